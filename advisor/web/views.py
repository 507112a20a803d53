"""The pages. A view translates what came in, calls a service, and renders what it returns."""

import json

from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advisor import tasks
from advisor.core.decision_record import markdown
from advisor.core.problems import DocumentError
from advisor.models import Run
from advisor.services import access, accounts, decisions, examples, runs
from advisor.web.context import problem_items, report_page
from advisor.web.forms import DocumentForm, SignInForm
from catalog.queries import NoRelease

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    form = SignInForm(request.POST or None)
    refusal, status = None, 200
    if request.method == "POST" and form.is_valid():
        try:
            user = accounts.sign_in(**form.cleaned_data, address=_address(request), moment=timezone.now())
        except accounts.SignInRefused as error:
            refusal = str(error)
            status = 429 if isinstance(error, accounts.TooManyFailures) else 403
        else:
            auth.login(request, user, backend=MODEL_BACKEND)
            return redirect(_next_page(request))
    return render(
        request, "web/sign_in.html", {"form": form, "refusal": refusal, "next": _next(request)}, status=status
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Ask once before the link is used up: a browser that only looks ahead must not spend it."""
    refusal = None
    if request.method == "POST":
        try:
            user = accounts.redeem_sign_in_link(
                token=token,
                address=_address(request),
                host=request.get_host(),
                forwarded="HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META,
                moment=timezone.now(),
            )
        except accounts.SignInRefused as error:
            refusal = str(error)
        else:
            auth.login(request, user, backend=MODEL_BACKEND)
            return redirect("web:start")
    context = {"refusal": refusal}
    return render(request, "web/sign_in_by_link.html", context, status=403 if refusal else 200)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return redirect("web:sign_in")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    workspaces = decisions.writable_workspaces(user=request.user)
    form = DocumentForm(request.POST or None, request.FILES or None, workspaces=workspaces)
    problem = None
    if request.method == "POST" and not workspaces:
        raise PermissionDenied("Your role is viewer: you can read decisions, but not start one.")
    if request.method == "POST" and form.is_valid():
        try:
            return _start_decision(request, form)
        except DocumentError as error:
            problem = error
        except NoRelease:
            form.add_error(None, "There is no catalog yet: load it with `manage.py load_data`.")
    return _start_page(request, form=form, problem=problem)


@login_required
@require_safe
def example(request: HttpRequest, name: str) -> HttpResponse:
    """The start page with an example in its text box, to be looked at and changed."""
    try:
        chosen = examples.example(name=name)
    except examples.NoSuchExample as error:
        raise Http404(str(error)) from error
    workspaces = decisions.writable_workspaces(user=request.user)
    form = DocumentForm(workspaces=workspaces, text=chosen.text)
    return _start_page(request, form=form, chosen=chosen)


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
    if not runs.cancel_run(run=found, moment=timezone.now()):
        messages.info(request, "This run had already ended.")
    return redirect("web:run", found.pk)


@login_required
@require_POST
def retry_run(request: HttpRequest, run_id: int) -> HttpResponse:
    found = access.run(user=request.user, run_id=run_id, write=True)
    again = runs.queue_run(revision=found.revision, user=request.user, moment=timezone.now())
    tasks.send(run_id=again.pk)
    return redirect("web:run", again.pk)


@login_required
@never_cache
@require_safe
def report(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    found = access.report(user=request.user, decision_id=decision_id, number=number)
    return render(request, "web/report.html", report_page(report=found))


@login_required
@require_safe
def report_json(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    found = access.report(user=request.user, decision_id=decision_id, number=number)
    return _download(
        bytes(found.content), content_type="application/json", name=_file_name(decision_id, number, "json")
    )


@login_required
@require_safe
def report_markdown(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    found = access.report(user=request.user, decision_id=decision_id, number=number)
    text = markdown(json.loads(bytes(found.content)))
    return _download(
        text.encode(), content_type="text/markdown; charset=utf-8", name=_file_name(decision_id, number, "md")
    )


def _start_decision(request: HttpRequest, form: DocumentForm) -> HttpResponse:
    workspace = access.workspace(user=request.user, workspace_id=int(form.cleaned_data["workspace"]), write=True)
    queued = decisions.start_decision(
        workspace=workspace, user=request.user, document_bytes=form.content, moment=timezone.now()
    )
    tasks.send(run_id=queued.pk)
    return redirect("web:run", queued.pk)


def _start_page(
    request: HttpRequest,
    *,
    form: DocumentForm,
    problem: DocumentError | None = None,
    chosen: examples.Example | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "problem": problem,
        "problem_items": problem_items(error=problem, content=form.content) if problem else [],
        "chosen": chosen,
        "examples": examples.examples(),
        "decisions": decisions.decision_rows(user=request.user),
    }
    return render(request, "web/start.html", context, status=400 if problem or form.errors else 200)


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


def _download(content: bytes, *, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _file_name(decision_id: int, number: int, ending: str) -> str:
    return f"decision-{decision_id}-revision-{number}.{ending}"


def _address(request: HttpRequest) -> str:
    return request.META.get("REMOTE_ADDR", "")


def _next(request: HttpRequest) -> str:
    return request.POST.get("next") or request.GET.get("next") or ""


def _next_page(request: HttpRequest) -> str:
    page = _next(request)
    allowed = url_has_allowed_host_and_scheme(
        page, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return page if allowed else "web:start"
