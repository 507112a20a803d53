"""The pages of workspaces: the list, one with its people, its audit trail."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advisor.models import Membership
from advisor.services import access, audit, invites, members, outbound, resets, tokens, webhooks
from advisor.services import workspaces as service
from advisor.web.forms_people import InviteForm, RoleForm, WebhookForm, WorkspaceForm


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def workspaces(request: HttpRequest) -> HttpResponse:
    form = WorkspaceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = service.create_workspace(user=request.user, name=form.cleaned_data["name"], moment=timezone.now())
        return redirect("web:workspace", made.pk)
    context = {"rows": service.workspace_rows(user=request.user), "form": form}
    return render(request, "web/workspaces.html", context, status=400 if form.errors else 200)


@login_required
@never_cache
@require_safe
def workspace(request: HttpRequest, workspace_id: int) -> HttpResponse:
    return _page(request, access.membership(user=request.user, workspace_id=workspace_id))


@login_required
@require_POST
def rename_workspace(request: HttpRequest, workspace_id: int) -> HttpResponse:
    found = access.workspace(user=request.user, workspace_id=workspace_id, own=True)
    form = WorkspaceForm(request.POST)
    if not form.is_valid():
        return _page(request, access.membership(user=request.user, workspace_id=workspace_id), name_form=form)
    service.rename(workspace=found, user=request.user, name=form.cleaned_data["name"], moment=timezone.now())
    return redirect("web:workspace", found.pk)


@login_required
@require_POST
def leave_workspace(request: HttpRequest, workspace_id: int) -> HttpResponse:
    found = access.workspace(user=request.user, workspace_id=workspace_id)
    try:
        members.leave(workspace=found, user=request.user, moment=timezone.now())
    except members.LastOwner as error:
        messages.error(request, str(error))
        return redirect("web:workspace", found.pk)
    messages.success(request, f"You have left “{found.name}”.")
    return redirect("web:workspaces")


@login_required
@require_POST
def change_role(request: HttpRequest, workspace_id: int, membership_id: int) -> HttpResponse:
    found = access.member(user=request.user, workspace_id=workspace_id, membership_id=membership_id)
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            members.change_role(
                workspace=found.workspace,
                by=request.user,
                membership_id=found.pk,
                role=form.cleaned_data["role"],
                moment=timezone.now(),
            )
        except members.LastOwner as error:
            messages.error(request, str(error))
    else:
        messages.error(request, "Choose one of the three roles.")
    return redirect("web:workspace", workspace_id)


@login_required
@require_POST
def remove_member(request: HttpRequest, workspace_id: int, membership_id: int) -> HttpResponse:
    found = access.member(user=request.user, workspace_id=workspace_id, membership_id=membership_id)
    try:
        members.remove(workspace=found.workspace, by=request.user, membership_id=found.pk, moment=timezone.now())
    except members.LastOwner as error:
        messages.error(request, str(error))
    return redirect("web:workspace", workspace_id)


@login_required
@never_cache
@require_POST
def reset_member(request: HttpRequest, workspace_id: int, membership_id: int) -> HttpResponse:
    """Make a reset link for a member and show it, this once."""
    found = access.member(user=request.user, workspace_id=workspace_id, membership_id=membership_id)
    token = resets.issue(user=found.user, by=request.user, moment=timezone.now())
    link = request.build_absolute_uri(reverse("web:reset", args=[token]))
    mine = access.membership(user=request.user, workspace_id=workspace_id)
    return _page(request, mine, reset_link=link, reset_of=found.user.shown_name)


@login_required
@never_cache
@require_POST
def create_invite(request: HttpRequest, workspace_id: int) -> HttpResponse:
    """Make an invite and show its link, this once."""
    found = access.workspace(user=request.user, workspace_id=workspace_id, own=True)
    mine = access.membership(user=request.user, workspace_id=workspace_id)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _page(request, mine, invite_form=form)
    role = form.cleaned_data["role"]
    token = invites.issue(workspace=found, user=request.user, role=role, moment=timezone.now())
    link = request.build_absolute_uri(reverse("web:invite", args=[token]))
    return _page(request, mine, invite_link=link, invite_role=role)


@login_required
@require_POST
def revoke_invite(request: HttpRequest, workspace_id: int, invite_id: int) -> HttpResponse:
    found = access.invite(user=request.user, workspace_id=workspace_id, invite_id=invite_id)
    if not invites.revoke(invite=found, user=request.user, moment=timezone.now()):
        messages.info(request, "This invite was used or withdrawn before.")
    return redirect("web:workspace", workspace_id)


@login_required
@require_POST
def revoke_token(request: HttpRequest, workspace_id: int, token_id: int) -> HttpResponse:
    found = access.workspace_token(user=request.user, workspace_id=workspace_id, token_id=token_id)
    tokens.revoke(token=found, by=request.user, moment=timezone.now())
    return redirect("web:workspace", workspace_id)


@login_required
@never_cache
@require_POST
def set_webhook(request: HttpRequest, workspace_id: int) -> HttpResponse:
    """Set where messages about ended runs go and show the secret that signs them, this once."""
    found = access.workspace(user=request.user, workspace_id=workspace_id, own=True)
    mine = access.membership(user=request.user, workspace_id=workspace_id)
    form = WebhookForm(request.POST)
    if form.is_valid():
        try:
            secret = webhooks.set_webhook(
                workspace=found, user=request.user, url=form.cleaned_data["url"], moment=timezone.now()
            )
            return _page(request, mine, webhook_secret=secret)
        except outbound.Refused as error:
            form.add_error("url", str(error))
    return _page(request, mine, webhook_form=form)


@login_required
@require_POST
def remove_webhook(request: HttpRequest, workspace_id: int) -> HttpResponse:
    found = access.workspace(user=request.user, workspace_id=workspace_id, own=True)
    webhooks.remove_webhook(workspace=found, user=request.user, moment=timezone.now())
    return redirect("web:workspace", found.pk)


@login_required
@never_cache
@require_safe
def trail(request: HttpRequest, workspace_id: int) -> HttpResponse:
    """The audit trail, a page at a time; `before` is the cursor."""
    found = access.workspace(user=request.user, workspace_id=workspace_id, own=True)
    cursor = request.GET.get("before", "")
    before = int(cursor) if cursor.isdecimal() and len(cursor) < 19 else None  # what is no cursor begins at the top
    context = {"workspace": found, "trail": audit.trail(workspace=found, before=before), "before": before}
    return render(request, "web/trail.html", context)


def _page(request: HttpRequest, mine: Membership, **shown: object) -> HttpResponse:
    """Render one workspace as this member may see it; a form that was refused stands in for its fresh one."""
    found, moment = mine.workspace, timezone.now()
    context = {
        "workspace": found,
        "mine": mine,
        "members": members.member_rows(workspace=found, user=request.user),
        "roles": Membership.Role.choices,
    }
    if mine.role == Membership.Role.OWNER:
        context |= {
            "is_owner": True,
            "name_form": WorkspaceForm(initial={"name": found.name}),
            "invite_form": InviteForm(),
            "invites": invites.open_invites(workspace=found, moment=moment),
            "tokens": tokens.workspace_tokens(workspace=found, user=request.user, moment=moment),
            "webhook": webhooks.webhook_row(workspace=found),
            "deliveries": webhooks.delivery_rows(workspace=found, limit=5),
            "webhook_form": WebhookForm(),
        }
    refused = any(getattr(form, "errors", None) for form in shown.values())
    context |= shown | {"refused": refused}
    return render(request, "web/workspace.html", context, status=400 if refused else 200)
