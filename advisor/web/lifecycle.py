"""The steps of a decision's life: a revision is proposed, withdrawn, rejected, accepted."""

from collections.abc import Callable, Iterable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from advisor import tasks
from advisor.models import Revision
from advisor.services import access, approvals, lifecycle
from advisor.web import decisions
from advisor.web.forms_lifecycle import AcceptForm, ProposeForm, RejectForm, StepForm, WithdrawForm


@login_required
@require_POST
def propose(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Put one of the decision's revisions before the owners."""
    found = access.decision(user=request.user, decision_id=decision_id, write=True)
    form = ProposeForm(
        request.POST,
        numbers=approvals.proposable(decision=found),
        supersedable=approvals.supersedable(decision=found),
    )
    if not form.is_valid():
        return decisions.page(request, found, propose_form=form)
    answers = form.cleaned_data
    revision = access.revision(user=request.user, decision_id=decision_id, number=answers["number"], write=True)
    older = answers["supersedes"]
    return _done(
        request,
        decision_id,
        lambda: lifecycle.propose(
            revision=revision,
            user=request.user,
            comment=answers["comment"],
            supersedes=access.decision(user=request.user, decision_id=older) if older else None,
            moment=timezone.now(),
        ),
        told=f"Revision {revision.number} is proposed. An owner of the workspace can accept it.",
    )


@login_required
@require_POST
def accept(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    """Make the proposed revision the record."""
    revision = access.revision(user=request.user, decision_id=decision_id, number=number, own=True)
    form = AcceptForm(request.POST)
    if not form.is_valid():
        return decisions.page(request, revision.decision, accept_form=form)
    return _done(
        request,
        decision_id,
        lambda: lifecycle.accept(revision=revision, user=request.user, moment=timezone.now(), **form.cleaned_data),
        told=f"Revision {number} is accepted: it is the record of this decision.",
    )


@login_required
@require_POST
def reject(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    """Send a proposal back, with a reason."""
    revision = access.revision(user=request.user, decision_id=decision_id, number=number, own=True)
    form = RejectForm(request.POST)
    return _returned(request, revision, lifecycle.reject, word="sent back", reject_form=form)


@login_required
@require_POST
def withdraw(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    """Take a proposal back, with a reason."""
    revision = access.revision(user=request.user, decision_id=decision_id, number=number, write=True)
    form = WithdrawForm(request.POST)
    return _returned(request, revision, lifecycle.withdraw, word="taken back", withdraw_form=form)


def _returned(
    request: HttpRequest, revision: Revision, step: Callable[..., list[int]], *, word: str, **named: StepForm
) -> HttpResponse:
    (form,) = named.values()
    if not form.is_valid():
        return decisions.page(request, revision.decision, **named)
    comment = form.cleaned_data["comment"]
    return _done(
        request,
        revision.decision_id,
        lambda: step(revision=revision, user=request.user, comment=comment, moment=timezone.now()),
        told=f"The proposal of revision {revision.number} is {word}.",
    )


def _done(request: HttpRequest, decision_id: int, step: Callable[[], Iterable[int]], *, told: str) -> HttpResponse:
    """Take one step, send its records to be made, and lead back to the decision."""
    try:
        issued = step()
    except lifecycle.NotNow as error:
        messages.error(request, str(error))
    else:
        for run_id in issued:
            tasks.send_rendering(run_id=run_id)
        messages.success(request, told)
    return redirect("web:decision", decision_id)
