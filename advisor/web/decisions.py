"""The pages on which a decision begins."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from advisor import tasks
from advisor.core.problems import DocumentError
from advisor.services import access, decisions, examples
from advisor.web.context import problem_items
from advisor.web.forms import DocumentForm
from catalog.queries import NoRelease


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
