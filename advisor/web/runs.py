"""The page of a run: how far it is, how to cancel it or try again."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from advisor import tasks
from advisor.models import Run
from advisor.services import access, runs


@login_required
@require_safe
@never_cache
def run(request: HttpRequest, run_id: int) -> HttpResponse:
    found = access.run(user=request.user, run_id=run_id)
    if found.state == Run.State.SUCCEEDED:
        return redirect("web:report", found.revision.decision_id, found.revision.number)
    return render(request, "web/run.html", _run_context(request, found))


@require_safe
@never_cache
def run_progress(request: HttpRequest, run_id: int) -> HttpResponse:
    """The part of the run page that is asked for each second; it sends the page on when the run has ended."""
    if not request.user.is_authenticated:  # the session ended meanwhile: the page itself leads to signing in
        return HttpResponse(headers={"HX-Redirect": reverse("web:run", args=[run_id])})
    found = access.run(user=request.user, run_id=run_id)
    response = render(request, "web/_progress.html", _run_context(request, found))
    if not found.is_open:
        response["HX-Redirect"] = _run_address(found)
    return response


@login_required
@require_POST
def cancel_run(request: HttpRequest, run_id: int) -> HttpResponse:
    found = access.run(user=request.user, run_id=run_id, write=True)
    if not runs.cancel_run(run=found, user=request.user, moment=timezone.now()):
        messages.info(request, "This run had already ended.")
    return redirect("web:run", found.pk)


@login_required
@require_POST
def retry_run(request: HttpRequest, run_id: int) -> HttpResponse:
    found = access.run(user=request.user, run_id=run_id, write=True)
    try:
        again = runs.retry_run(run=found, user=request.user, moment=timezone.now())
    except runs.Settled as error:
        messages.error(request, str(error))
        return redirect("web:decision", found.revision.decision_id)
    tasks.send(run_id=again.pk)
    return redirect("web:run", again.pk)


def _run_context(request: HttpRequest, found: Run) -> dict[str, object]:
    decision = found.revision.decision
    return {
        "run": found,
        "decision": decision,
        "address": _run_address(found),
        "may_write": access.may_write(user=request.user, workspace_id=decision.workspace_id),
    }


def _run_address(found: Run) -> str:
    return reverse("web:run", args=[found.pk])
