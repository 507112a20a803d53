"""The workspace a token is for: its people, its tokens, its webhook."""

from datetime import timedelta

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import inline_serializer
from rest_framework.request import Request
from rest_framework.response import Response

from advisor.api import shapes
from advisor.api.bodies import NewToken, NewWebhook
from advisor.api.description import described
from advisor.api.views import View, checked, mapping
from advisor.services import access, members, tokens, webhooks, workspaces
from advisor.services.idempotency import Answer

_TAG = "workspaces"


def _rows(of: type, name: str) -> object:
    return inline_serializer(name, {"rows": of(many=True)})


class Me(View):
    @described("tokens", "Tell what this token is", {200: shapes.Me}, id="get_me")
    def get(self, request: Request) -> Response:
        return Response(shapes.Me(self.bearer).data)


class Workspaces(View):
    @described(
        _TAG,
        "List the workspaces this token is for: one",
        {200: _rows(shapes.WorkspaceSerializer, "WorkspaceRows")},
        id="list_workspaces",
    )
    def get(self, request: Request) -> Response:
        return Response({"rows": shapes.WorkspaceSerializer(self._own(), many=True).data})

    def _own(self) -> list[workspaces.WorkspaceRow]:
        rows = workspaces.workspace_rows(user=self.bearer.user)
        return [row for row in rows if row.workspace_id == self.bearer.workspace.pk]


class Workspace(Workspaces):
    @described(_TAG, "Read a workspace", {200: shapes.WorkspaceSerializer}, 404, id="get_workspace")
    def get(self, request: Request, workspace_id: int) -> Response:
        access.workspace(workspace_id=workspace_id, **self.who())
        return Response(shapes.WorkspaceSerializer(self._own()[0]).data)


class Members(View):
    @described(
        _TAG, "List the members, for an owner", {200: _rows(shapes.Member, "MemberRows")}, 403, 404, id="list_members"
    )
    def get(self, request: Request, workspace_id: int) -> Response:
        found = access.owned(workspace_id=workspace_id, **self.who())
        return Response(
            {"rows": shapes.Member(members.member_rows(workspace=found, user=self.bearer.user), many=True).data}
        )


class Webhook(View):
    @described(
        _TAG,
        "Read the webhook and what became of its messages, for an owner",
        {200: shapes.WebhookSerializer},
        403,
        404,
        id="get_webhook",
    )
    def get(self, request: Request, workspace_id: int) -> Response:
        found = access.owned(workspace_id=workspace_id, **self.who())
        row = webhooks.webhook_row(workspace=found)
        if row is None:
            raise Http404("This workspace has no webhook.")
        told = {"url": row.url, "set_by": row.set_by, "set_at": row.set_at}
        return Response(shapes.WebhookSerializer({**told, "deliveries": webhooks.delivery_rows(workspace=found)}).data)

    @described(
        _TAG,
        "Set the webhook, for an owner",
        {200: shapes.FreshWebhook},
        403,
        404,
        about="When a run ends, its news is posted there, signed with the secret that is shown only here. "
        "docs/api.md tells how to check a message. Setting it anew makes a new secret.",
        request=NewWebhook,
        id="set_webhook",
    )
    def put(self, request: Request, workspace_id: int) -> Response:
        found = access.owned(workspace_id=workspace_id, write=True, **self.who())
        url = checked(NewWebhook, mapping(request))["url"]
        secret = webhooks.set_webhook(workspace=found, user=self.bearer.user, url=url, moment=timezone.now())
        return Response({"url": url, "secret": secret})

    @described(_TAG, "Remove the webhook, for an owner", {204: None}, 403, 404, id="remove_webhook")
    def delete(self, request: Request, workspace_id: int) -> Response:
        found = access.owned(workspace_id=workspace_id, write=True, **self.who())
        if not webhooks.remove_webhook(workspace=found, user=self.bearer.user, moment=timezone.now()):
            raise Http404("This workspace has no webhook.")
        return Response(status=204)


class Tokens(View):
    @described(
        "tokens",
        "List one's own tokens for this workspace",
        {200: _rows(shapes.TokenSerializer, "TokenRows")},
        id="list_tokens",
    )
    def get(self, request: Request) -> Response:
        rows = tokens.own_tokens(user=self.bearer.user, moment=timezone.now())
        own = [row for row in rows if row.workspace_id == self.bearer.workspace.pk]
        return Response({"rows": shapes.TokenSerializer(own, many=True).data})

    @described(
        "tokens",
        "Make a token for this workspace",
        {201: shapes.FreshToken},
        403,
        422,
        about="It may do no more than the token that makes it, and ends no later.",
        request=NewToken,
        id="create_token",
    )
    def post(self, request: Request) -> Response:
        access.workspace(workspace_id=self.bearer.workspace.pk, write=True, **self.who())
        asked, moment = checked(NewToken, mapping(request)), timezone.now()
        lifetime = min(timedelta(days=asked["days"]), self.bearer.expires_at - moment)

        def make() -> Answer:
            secret = tokens.issue(
                user=self.bearer.user,
                workspace=self.bearer.workspace,
                name=asked["name"],
                cap=asked["cap"],
                lifetime=lifetime,
                moment=moment,
            )
            return Answer(201, shapes.FreshToken({"secret": secret, "expires_at": moment + lifetime}).data)

        return self.once(make)


class Token(View):
    @described("tokens", "Revoke one of one's own tokens", {204: None}, 403, 404, id="revoke_token")
    def delete(self, request: Request, token_id: int) -> Response:
        found = access.own_token(token_id=token_id, **self.who())
        tokens.revoke(token=found, by=self.bearer.user, moment=timezone.now())
        return Response(status=204)
