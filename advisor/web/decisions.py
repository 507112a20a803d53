"""The pages on which decisions begin, are listed, and are told with their revisions."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advisor import tasks
from advisor.core.problems import DocumentError
from advisor.core.questionnaire.pages import FIRST
from advisor.models import Decision, Membership, Revision
from advisor.services import access, approvals, decisions, drafts, examples, moved, shelf
from advisor.web.context import problem_items
from advisor.web.forms import DecisionForm, DocumentForm
from advisor.web.forms_lifecycle import AcceptForm, ProposeForm, RejectForm, StepForm, WithdrawForm
from advisor.web.shelf_pages import shown_move
from catalog.queries import NoRelease


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """Show the start page; a document that is posted to it is advised on at once, or opened as a draft."""
    workspaces = decisions.writable_workspaces(user=request.user)
    form = DocumentForm(request.POST or None, request.FILES or None, workspaces=workspaces)
    problem = None
    if request.method == "POST" and not workspaces:
        raise PermissionDenied("Your role is viewer: you can read decisions, but not start one.")
    if request.method == "POST" and form.is_valid():
        try:
            return _begin_from_document(request, form)
        except DocumentError as error:
            problem = error
        except NoRelease:
            form.add_error(None, "There is no catalog yet: load it with `manage.py load_data`.")
    return _start_page(request, form=form, blank=DecisionForm(workspaces=workspaces), problem=problem)


@login_required
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Begin a blank draft with a name and a first kind of work."""
    workspaces = decisions.writable_workspaces(user=request.user)
    if not workspaces:
        raise PermissionDenied("Your role is viewer: you can read decisions, but not start one.")
    form = DecisionForm(request.POST, workspaces=workspaces)
    if not form.is_valid():
        return _start_page(request, form=DocumentForm(workspaces=workspaces), blank=form)
    answers = form.cleaned_data
    workspace = access.workspace(user=request.user, workspace_id=int(answers["workspace"]), write=True)
    draft = drafts.begin(
        workspace=workspace, user=request.user, title=answers["title"], kind=answers["kind"], moment=timezone.now()
    )
    return to_questions(draft)


@login_required
@require_safe
@never_cache
def decision(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Tell a decision: its revisions, their runs and reports, who made them and when."""
    return page(request, access.decision(user=request.user, decision_id=decision_id))


@login_required
@require_POST
def rename(request: HttpRequest, decision_id: int) -> HttpResponse:
    found = access.decision(user=request.user, decision_id=decision_id, write=True)
    drafts.rename(decision=found, user=request.user, title=request.POST.get("title", ""), moment=timezone.now())
    return redirect("web:decision", decision_id)


@login_required
@require_POST
def copy(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    """Begin a new decision, in the same workspace, as a copy of a revision."""
    found = access.revision(user=request.user, decision_id=decision_id, number=number, write=True)
    draft = drafts.begin_copy(
        revision=found, workspace=found.decision.workspace, user=request.user, moment=timezone.now()
    )
    return to_questions(draft)


@login_required
@require_POST
def following(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    """Begin the next revision of the decision from this one."""
    found = access.revision(user=request.user, decision_id=decision_id, number=number, write=True)
    draft = drafts.begin_next(revision=found, user=request.user, moment=timezone.now())
    messages.success(request, f"Revision {draft.number} begins as a copy of revision {number}, which stays as it is.")
    return to_questions(draft)


@login_required
@require_POST
def begin_from_example(request: HttpRequest, name: str) -> HttpResponse:
    """Open an example in the questionnaire, as a draft of one's own."""
    try:
        chosen = examples.example(name=name)
    except examples.NoSuchExample as error:
        raise Http404(str(error)) from error
    workspace_id = request.POST.get("workspace", "")
    if not workspace_id.isdecimal():
        raise Http404("No such workspace.")
    workspace = access.workspace(user=request.user, workspace_id=int(workspace_id), write=True)
    draft = drafts.begin_from_file(
        workspace=workspace, user=request.user, content=chosen.text.encode(), moment=timezone.now()
    )
    return to_questions(draft)


def page(request: HttpRequest, found: Decision, **refused: StepForm) -> HttpResponse:
    """Render a decision's page; a form of a step that was refused stands in for its fresh one."""
    role = access.role(user=request.user, workspace_id=found.workspace_id)
    numbers = approvals.proposable(decision=found)
    others = approvals.supersedable(decision=found) if numbers else []
    life = approvals.life(decision=found)
    rows = decisions.revision_rows(decision=found)
    reported = sorted(row.number for row in rows if row.has_report)
    now = timezone.now()
    moves = moved.of_record(decision=found, moment=now.date())
    catalog = shelf.current(moment=now) if moves else None
    context = {
        "decision": found,
        "revisions": rows,
        "compared": reported[-2:] if len(reported) > 1 else None,
        "may_write": role in (Membership.Role.OWNER, Membership.Role.EDITOR),
        "is_owner": role == Membership.Role.OWNER,
        "life": life,
        "moved": [shown_move(one, catalog) for one in moves],
        "proposable": numbers,
        "propose_form": ProposeForm(numbers=numbers, supersedable=others),
        "accept_form": AcceptForm(initial={"proposal": life.proposed.step_id if life.proposed else None}),
        "reject_form": RejectForm(),
        "withdraw_form": WithdrawForm(),
    }
    return render(request, "web/decision.html", context | refused, status=400 if refused else 200)


def to_questions(draft: Revision, page: str = FIRST) -> HttpResponse:
    """Lead to a page of a draft's questions."""
    return redirect("web:questions", draft.decision_id, draft.number, page)


def _begin_from_document(request: HttpRequest, form: DocumentForm) -> HttpResponse:
    workspace = access.workspace(user=request.user, workspace_id=int(form.cleaned_data["workspace"]), write=True)
    moment = timezone.now()
    if request.POST.get("then") == "open":
        draft = drafts.begin_from_file(workspace=workspace, user=request.user, content=form.content, moment=moment)
        return to_questions(draft)
    queued = decisions.start_decision(
        workspace=workspace, user=request.user, document_bytes=form.content, moment=moment
    )
    tasks.send(run_id=queued.pk)
    return redirect("web:run", queued.pk)


def _start_page(
    request: HttpRequest, *, form: DocumentForm, blank: DecisionForm, problem: DocumentError | None = None
) -> HttpResponse:
    page = request.GET.get("page", "1")
    context = {
        "form": form,
        "blank": blank,
        "problem": problem,
        "problem_items": problem_items(error=problem, content=form.content) if problem else [],
        "examples": examples.examples(),
        "decisions": decisions.decision_page(
            user=request.user, number=min(int(page), 100_000) if page.isdecimal() and int(page) else 1
        ),
    }
    is_bad = problem or form.errors or blank.errors
    return render(request, "web/start.html", context, status=400 if is_bad else 200)
