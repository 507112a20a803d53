"""The steps of a decision's life: a revision is proposed, taken back, sent back, accepted; and the log of them."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample
from rest_framework.request import Request
from rest_framework.response import Response

from advisor import tasks
from advisor.api import shapes
from advisor.api.bodies import Acceptance, Proposal, Reason
from advisor.api.description import described
from advisor.api.views import JSON, Input, View, checked, mapping
from advisor.models import Revision
from advisor.services import access, approvals, lifecycle
from advisor.services.idempotency import Answer

_TAG = "decisions"
_REFUSALS = (403, 404, 409, 422)


def _example(title: str, **value: Any) -> OpenApiExample:
    return OpenApiExample(title, value=value, request_only=True, media_type=JSON)


class Steps(View):
    @described(
        _TAG,
        "Read how a decision stands, and how it came to that",
        {200: shapes.LifeSerializer},
        404,
        id="list_steps",
    )
    def get(self, request: Request, decision_id: int) -> Response:
        return Response(self.life(decision_id))

    def life(self, decision_id: int) -> dict[str, Any]:
        """Return how a decision stands now."""
        found = access.decision(decision_id=decision_id, **self.who())
        told = {"decision": found, "life": approvals.life(decision=found)}
        return dict(shapes.LifeSerializer(told).data)

    def step(
        self, request: Request, revision: Revision, shape: type[Input], take: Callable[..., list[int]]
    ) -> Response:
        """Take one step as the body says, send its records to be made, and answer with how the decision stands."""
        asked = checked(shape, mapping(request))

        def taken() -> Answer:
            for run_id in take(revision=revision, user=self.bearer.user, moment=timezone.now(), **asked):
                tasks.send_rendering(run_id=run_id)
            return Answer(200, self.life(revision.decision_id))

        return self.once(taken)


class Propose(Steps):
    http_method_names = ["post"]

    @described(
        _TAG,
        "Propose a revision to the owners",
        {200: shapes.LifeSerializer},
        *_REFUSALS,
        about="It needs a finished report that holds a plan, and no other proposal of the decision may wait. "
        "`supersedes` names an accepted decision of the workspace whose place this one takes once it is accepted.",
        request=Proposal,
        examples=[_example("A proposal", comment="Cheaper from the second month on.")],
        id="propose_revision",
    )
    def post(self, request: Request, decision_id: int, number: int) -> Response:
        revision = access.revision(decision_id=decision_id, number=number, write=True, **self.who())
        return self.step(request, revision, Proposal, self._propose)

    def _propose(self, *, supersedes: int | None, **asked: Any) -> list[int]:
        older = None if supersedes is None else access.decision(decision_id=supersedes, **self.who())
        return lifecycle.propose(supersedes=older, **asked)


class Withdraw(Steps):
    http_method_names = ["post"]

    @described(
        _TAG,
        "Take a proposal back, with a reason",
        {200: shapes.LifeSerializer},
        *_REFUSALS,
        request=Reason,
        examples=[_example("A reason", comment="The traffic was measured anew.")],
        id="withdraw_revision",
    )
    def post(self, request: Request, decision_id: int, number: int) -> Response:
        revision = access.revision(decision_id=decision_id, number=number, write=True, **self.who())
        return self.step(request, revision, Reason, lifecycle.withdraw)


class Reject(Steps):
    http_method_names = ["post"]

    @described(
        _TAG,
        "Send a proposal back, with a reason",
        {200: shapes.LifeSerializer},
        *_REFUSALS,
        about="For an owner of the workspace. The record that is issued for it says *rejected*.",
        request=Reason,
        examples=[_example("A reason", comment="Above this year's budget.")],
        id="reject_revision",
    )
    def post(self, request: Request, decision_id: int, number: int) -> Response:
        revision = access.judged(decision_id=decision_id, number=number, **self.who())
        return self.step(request, revision, Reason, lifecycle.reject)


class Accept(Steps):
    http_method_names = ["post"]

    @described(
        _TAG,
        "Accept a proposal: its revision becomes the record",
        {200: shapes.LifeSerializer},
        *_REFUSALS,
        about="For an owner of the workspace. `proposal` is the id of the step that was read: one that was made anew "
        "since is not accepted unseen. What the revision takes the place of is superseded in the same moment.",
        request=Acceptance,
        examples=[_example("An acceptance", proposal=7, comment="Agreed by the board.", review_by="2099-06-30")],
        id="accept_revision",
    )
    def post(self, request: Request, decision_id: int, number: int) -> Response:
        revision = access.judged(decision_id=decision_id, number=number, **self.who())
        return self.step(request, revision, Acceptance, lifecycle.accept)
