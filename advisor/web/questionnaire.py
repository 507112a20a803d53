"""The pages of a draft: its questions, its workloads, its document, and the review before advice is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import asdict

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advisor import tasks
from advisor.core.problems import DocumentError
from advisor.core.questionnaire.edits import NoSuchWorkload
from advisor.core.questionnaire.inputs import input_at, phrase
from advisor.core.questionnaire.pages import A_LOT, FIRST, Page
from advisor.models import Revision
from advisor.services import access, drafts
from advisor.services.drafts import Conflict, Difference, Draft, Settled
from advisor.web import fields
from advisor.web.context import problem_items
from advisor.web.decisions import to_questions
from advisor.web.forms import DocumentForm
from catalog.queries import NoRelease

SETTLED = "This revision has been advised on and stays as it is. Your changes are in the next revision."


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def questions(request: HttpRequest, decision_id: int, number: int, page: str) -> HttpResponse:
    """Show one page of questions, or save what changed on it: by a form, or piece by piece by a script."""
    is_write = request.method == "POST"
    found = access.revision(user=request.user, decision_id=decision_id, number=number, write=is_write)
    if not is_write:
        return _page(request, found, page, {})
    posted = fields.posted(request.POST)
    conflicts = dict(posted.undecided)
    try:
        found, more = _save(request, found, posted.changes)
    except Settled:
        return _settled(request, found, page, posted.changes)
    conflicts |= more
    if request.headers.get("Accept") == "application/json":
        return _saved(request, found, page, conflicts)
    if conflicts:
        return _page(request, found, page, conflicts, status=409)
    return _after(request, found, page)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def workloads(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    """Show the workloads of a draft; add, rename, copy, move or remove one."""
    is_write = request.method == "POST"
    found = access.revision(user=request.user, decision_id=decision_id, number=number, write=is_write)
    problem = None
    if is_write:
        try:
            return _change_workloads(request, found)
        except Settled:
            messages.info(request, "This revision has been advised on and stays as it is: make the next one first.")
            return redirect("web:decision", decision_id)
        except (Conflict, DocumentError, NoSuchWorkload) as error:
            problem = _workload_problem(error)
            found.refresh_from_db()
    draft = drafts.draft(revision=found, moment=timezone.now())
    context = _context(request, draft, here="workloads") | {
        "problem": problem,
        "kinds": input_at("workloads[].kind").choices,
        "rows": [_workload_row(draft, workload.id) for workload in draft.document.workloads],
    }
    return render(request, "web/workloads.html", context, status=409 if problem else 200)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    """Show what is missing, what contradicts itself and what is taken by default; then ask for advice."""
    is_write = request.method == "POST"
    found = access.revision(user=request.user, decision_id=decision_id, number=number, write=is_write)
    refusal, status = "", 200
    if is_write:
        try:
            run = drafts.ask(revision=found, user=request.user, moment=timezone.now())
        except DocumentError as error:
            refusal, status = error.message, 400
        except Settled as error:
            refusal, status = str(error), 409
        except NoRelease:
            refusal, status = "There is no catalog yet: load it with `manage.py load_data`.", 503
        else:
            tasks.send(run_id=run.pk)
            return redirect("web:run", run.pk)
    draft = drafts.draft(revision=found, moment=timezone.now())
    context = _context(request, draft, here="review") | {
        "refusal": refusal,
        "problems": [{**asdict(one), "field_id": fields.field_id(one.place)} for one in draft.summary.problems],
        "open": _open(draft, lambda power: power >= A_LOT),
        "rest": _open(draft, lambda power: power < A_LOT),
    }
    return render(request, "web/review.html", context, status=status)


@login_required
@require_POST
def take_back(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    """Take one answer back from the review: one that no question asks for any more, or that contradicts another."""
    found = access.revision(user=request.user, decision_id=decision_id, number=number, write=True)
    place, version = request.POST.get("place", ""), _version(request)
    try:
        drafts.edit(revision=found, user=request.user, version=version, changes={place: None}, moment=timezone.now())
    except Conflict:
        messages.warning(request, "Somebody else changed this answer meanwhile: look at it again.")
    except Settled:
        messages.info(request, "This revision has been advised on and stays as it is.")
    except DocumentError as error:
        messages.warning(request, str(error.items[0]["message"]))
    return redirect("web:review", decision_id, number)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def document(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    """Show the draft as a document that can be mended as text, or replaced by a file."""
    is_write = request.method == "POST"
    found = access.revision(user=request.user, decision_id=decision_id, number=number, write=is_write)
    form = DocumentForm(
        request.POST or None, request.FILES or None, workspaces=[found.decision.workspace], text=drafts.as_yaml(found)
    )
    problem = None
    if is_write and form.is_valid():
        try:
            drafts.replace(
                revision=found,
                user=request.user,
                version=_version(request),
                content=form.content,
                moment=timezone.now(),
            )
        except DocumentError as error:
            problem = error
        except Conflict as error:
            who = error.differences[0].who
            form.add_error(
                None,
                f"{who} changed this draft after you opened this page. Save again to replace it.",
            )
            found.refresh_from_db()
        except Settled:
            form.add_error(None, "This revision has been advised on and stays as it is.")
        else:
            messages.success(request, "The draft is now what the document says.")
            return to_questions(found)
    draft = drafts.draft(revision=found, moment=timezone.now())
    context = _context(request, draft, here="document") | {
        "form": form,
        "problem": problem,
        "problem_items": problem_items(error=problem, content=form.content) if problem else [],
    }
    return render(request, "web/document.html", context, status=400 if problem or form.errors else 200)


@login_required
@require_safe
def document_yaml(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    found = access.revision(user=request.user, decision_id=decision_id, number=number)
    return _download(drafts.as_yaml(found), found, content_type="application/yaml", ending="yaml")


@login_required
@require_safe
def document_json(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    found = access.revision(user=request.user, decision_id=decision_id, number=number)
    return _download(drafts.as_json(found), found, content_type="application/json", ending="json")


def _download(text: str, found: Revision, *, content_type: str, ending: str) -> HttpResponse:
    response = HttpResponse(text.encode(), content_type=f"{content_type}; charset=utf-8")
    name = f"decision-{found.decision_id}-revision-{found.number}.{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _version(request: HttpRequest) -> int:
    """Return the version the page was made from; 0, older than any, where the form does not say it."""
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _save(
    request: HttpRequest, found: Revision, changes: Mapping[str, object]
) -> tuple[Revision, dict[str, Difference]]:
    """Save the changes that merge; return the draft and those that do not."""
    conflicts: dict[str, Difference] = {}
    version = _version(request)
    while True:
        rest = {place: value for place, value in changes.items() if place not in conflicts}
        try:
            saved = drafts.edit(revision=found, user=request.user, version=version, changes=rest, moment=timezone.now())
        except Conflict as error:
            conflicts |= {one.place: one for one in error.differences}
        else:
            return saved, conflicts


def _settled(request: HttpRequest, found: Revision, page: str, changes: Mapping[str, object]) -> HttpResponse:
    if request.headers.get("Accept") == "application/json":
        text = "Not saved: this revision has been advised on and stays as it is."
        return JsonResponse({"state": "settled", "text": text}, status=409)
    following = drafts.edit_next(revision=found, user=request.user, changes=changes, moment=timezone.now())
    messages.success(request, SETTLED)
    return to_questions(following, page)


def _saved(request: HttpRequest, found: Revision, key: str, conflicts: dict[str, Difference]) -> JsonResponse:
    """Answer the script: the version, each question of the page as it now is, and the summary."""
    draft = drafts.draft(revision=found, moment=timezone.now())
    page = draft.page(key)
    context = _context(request, draft, here=key)
    shown = fields.fields(draft=draft, asked=page.asked if page else (), conflicts=conflicts)
    return JsonResponse(
        {
            "state": "conflict" if conflicts else "saved",
            "version": found.version,
            "refused": any(one.asked.place in found.refused for one in shown),
            "questions": [
                {
                    "place": one.asked.place,
                    "html": render_to_string("web/_question.html", context | {"field": one}, request=request),
                }
                for one in shown
            ],
            "summary": render_to_string("web/_known.html", context, request=request),
        }
    )


def _after(request: HttpRequest, found: Revision, key: str) -> HttpResponse:
    """Lead on after a save: to the next page, or back to this one where something is to be mended or looked at."""
    draft = drafts.draft(revision=found, moment=timezone.now())
    page = draft.page(key)
    if page is None:
        return to_questions(found)
    here = {problem.place for problem in draft.summary.problems if problem.page == key and not problem.is_missing}
    seen = set(request.POST.getlist("asked"))
    is_new = any(one.place not in seen for one in page.asked)
    keys = [one.key for one in draft.pages]
    if request.POST.get("then") != "next" or here or is_new:
        if is_new and not here:
            messages.info(request, "Saved. More questions follow from your answer.")
        mark = fields.field_id(request.POST.get("stay", "")) if request.POST.get("stay") else ""
        return redirect(
            reverse("web:questions", args=[found.decision_id, found.number, key]) + (f"#{mark}" if mark else "")
        )
    position = keys.index(key) + 1
    if position == len(keys):
        return redirect("web:review", found.decision_id, found.number)
    return to_questions(found, keys[position])


def _page(
    request: HttpRequest, found: Revision, key: str, conflicts: dict[str, Difference], *, status: int = 200
) -> HttpResponse:
    draft = drafts.draft(revision=found, moment=timezone.now())
    page = draft.page(key)
    if page is None:
        if any(one.key == FIRST for one in draft.pages) and request.method != "HEAD" and "." in key:
            messages.info(request, "There are no such questions any more: an answer made them needless.")
            return to_questions(found)
        raise Http404("No such page of questions.")
    keys = [one.key for one in draft.pages]
    position = keys.index(key)
    lists = fields.suggestions(known=draft.known, draft=draft)
    wanted = {one.list_name for asked in page.asked for one in (asked.input, *_columns(asked.input))}
    context = _context(request, draft, here=key) | {
        "page": page,
        "fields": fields.fields(draft=draft, asked=page.asked, conflicts=conflicts),
        "lists": {name: values for name, values in lists.items() if name in wanted},
        "conflicts": conflicts,
        "subject_of": _subject_of(page, draft),
        "before": draft.pages[position - 1] if position else None,
        "after": draft.pages[position + 1] if position + 1 < len(keys) else None,
    }
    return render(request, "web/questions.html", context, status=status)


def _open(draft: Draft, fits: Callable[[int], bool]) -> list[dict[str, object]]:
    """Return the questions without an answer whose power fits, the most telling first."""
    names = {f"workloads[{work.id}]": work.name or work.id for work in draft.document.workloads}
    asked = [one for page in draft.pages for one in page.asked if one.is_open and fits(one.question.power)]
    return [
        {
            "asked": one,
            "field_id": fields.field_id(one.place),
            "owner": names.get(one.place.partition(".")[0], ""),
        }
        for one in sorted(asked, key=lambda one: -one.question.power)
    ]


def _subject_of(page: Page, draft: Draft) -> str:
    """Return the name of the page's workload, where its title does not hold it."""
    if page.short_title != page.title:
        return ""
    return next((work.name or work.id for work in draft.document.workloads if work.id == page.workload_id), "")


def _columns(found: fields.Input) -> list[fields.Input]:
    return [part for column in found.columns for part in (column, *column.columns)]


def _context(request: HttpRequest, draft: Draft, *, here: str) -> dict[str, object]:
    """Return what every page of a draft shows: its decision, its pages and what is known so far."""
    decision = draft.revision.decision
    may_write = access.may_write(user=request.user, workspace_id=decision.workspace_id)
    names = {workload.id: workload.name or workload.id for workload in draft.document.workloads}
    groups: dict[str, list[Page]] = {}
    for page in draft.pages:
        title = names.get(page.workload_id, "The decision") if page.key != FIRST else ""
        groups.setdefault(title, []).append(page)
    return {
        "draft": draft,
        "revision": draft.revision,
        "decision": decision,
        "summary": draft.summary,
        "page_groups": [
            (title, pages, any(page.key == here for page in pages), sum(page.open_count for page in pages))
            for title, pages in groups.items()
        ],
        "here": here,
        "may_write": may_write,
        "is_editable": may_write and not draft.is_settled,
    }


def _workload_row(draft: Draft, workload_id: str) -> dict[str, object]:
    workload = next(one for one in draft.document.workloads if one.id == workload_id)
    flows = [flow for flow in draft.document.flows if workload_id in (flow.from_, flow.to)]
    asked = [one for page in draft.pages for one in page.asked if one.place.startswith(f"workloads[{workload_id}]")]
    return {
        "workload": workload,
        "kind": phrase(input_at("workloads[].kind"), workload.kind),
        "answered_count": sum(one.answer is not None for one in asked),
        "asked_count": sum(one.is_open or one.answer is not None for one in asked),
        "flows": flows,
    }


def _change_workloads(request: HttpRequest, found: Revision) -> HttpResponse:
    post, moment = request.POST, timezone.now()
    workload_id = post.get("workload", "")
    common = {"revision": found, "user": request.user, "moment": moment}
    action = post.get("action")
    if action == "add":
        draft, made = drafts.add_workload(kind=post.get("kind", ""), name=post.get("name", ""), **common)
        return to_questions(draft, f"{made}.{FIRST}" if len(draft.document["workloads"]) > 1 else FIRST)
    if action == "copy":
        drafts.copy_workload(workload_id=workload_id, **common)
    elif action == "remove":
        _, flows = drafts.remove_workload(version=_version(request), workload_id=workload_id, **common)
        gone = "; ".join(f"{flow['from']} to {flow['to']}, {flow['gb_per_month']:g} GB a month" for flow in flows)
        messages.success(
            request, f"{workload_id} was removed." + (f" So were the flows that named it: {gone}." if flows else "")
        )
    elif action in ("up", "down"):
        drafts.move_workload(workload_id=workload_id, by=-1 if action == "up" else 1, **common)
    elif action == "rename":
        place = f"workloads[{workload_id}].name"
        drafts.edit(version=_version(request), changes={place: post.get("name", "").strip() or None}, **common)
    return redirect("web:workloads", found.decision_id, found.number)


def _workload_problem(error: Exception) -> str:
    if isinstance(error, Conflict):
        who = error.differences[0].who
        return f"{who} changed this workload after you opened this page. Look at it again."
    if isinstance(error, DocumentError):
        return " ".join(str(item["message"]) for item in error.items)
    return "This workload is no longer there: somebody took it away."
