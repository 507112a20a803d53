"""Pages of how the catalog is kept true: runs through the sources, their schedules, and what waits in quarantine."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from advisor import price_tasks
from advisor.core.shelf.labels import label_of
from advisor.services import access, refreshes, shelf
from advisor.web.forms_people import CONTROL
from advisor.web.shelf_cells import address
from advisor.web.shelf_pages import row_name
from catalog.intake import NotDecidable, QuarantineLine
from catalog.published import NoRelease
from catalog.refresh import AlreadyRunning, NoSuchRun, RunLine, UnknownRegion

SOURCE_TITLES = {
    "aws": "AWS machines",
    "azure": "Azure machines",
    "google": "Google Cloud machines",
    "models": "Models of all clouds",
}
SCHEDULED_TITLES = {**SOURCE_TITLES, "probes": "Latency to regions, from here"}
STATES = {
    "queued": ("waiting", ""),
    "running": ("running", "tag-accent"),
    "succeeded": ("succeeded", "tag-good"),
    "partly": ("partly succeeded", "tag-caution"),
    "failed": ("failed", "tag-bad"),
    "cancelled": ("cancelled", ""),
    "not_configured": ("not configured", ""),
}
COUNTS = {  # the order in which a page tells what a reading found
    "added": "new",
    "changed": "changed",
    "unchanged": "unchanged",
    "quarantined": "quarantined",
    "refused": "refused before",
    "missing": "no longer stated",
    "retirements": "retirement dates",
    "shapes": "machines compared",
    "outside": "not in the catalog",
}
_PAGE = 25
_ROWS = 100


class StartForm(forms.Form):
    """Which sources are read now."""

    sources = forms.MultipleChoiceField(
        choices=list(SOURCE_TITLES.items()), widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"})
    )
    regions = forms.CharField(
        required=False,
        max_length=500,
        label="Only these regions",
        widget=forms.TextInput(attrs=CONTROL | {"autocomplete": "off"}),
        help_text="The provider's own names, such as us-east-1 eastus. Empty: every region the catalog knows.",
    )


class ScheduleForm(forms.Form):
    """How often a source is read by itself."""

    source = forms.ChoiceField(choices=list(SCHEDULED_TITLES.items()))
    every_hours = forms.IntegerField(min_value=1, max_value=720)
    is_on = forms.BooleanField(required=False)


class DecideForm(forms.Form):
    """Rows of the quarantine, what becomes of them, and why."""

    row = forms.TypedMultipleChoiceField(coerce=int)
    decision = forms.ChoiceField(choices=[("accept", "accept"), ("reject", "reject")])
    note = forms.CharField(required=False, max_length=300)

    def __init__(self, data: Any, *, ids: list[int]) -> None:
        super().__init__(data)
        self.fields["row"].choices = [(number, number) for number in ids]  # type: ignore[attr-defined]


@login_required
@require_safe
@never_cache
def refresh_runs(request: HttpRequest) -> HttpResponse:
    return _runs_page(request, StartForm(initial={"sources": list(SOURCE_TITLES)}))


@login_required
@require_POST
def start_refresh(request: HttpRequest) -> HttpResponse:
    access.operator(user=request.user)
    form = StartForm(request.POST)
    if not form.is_valid():
        return _runs_page(request, form, status=400)
    try:
        run, parts = refreshes.start(
            user=request.user,
            sources=form.cleaned_data["sources"],
            regions=form.cleaned_data["regions"].replace(",", " ").split(),
            moment=timezone.now(),
        )
    except (AlreadyRunning, UnknownRegion, NoRelease) as error:
        form.add_error(None, str(error))
        return _runs_page(request, form, status=409 if isinstance(error, AlreadyRunning) else 400)
    price_tasks.send_parts(parts)
    return redirect("web:refresh_run", run.id)


@login_required
@require_safe
@never_cache
def refresh_run(request: HttpRequest, run_id: int) -> HttpResponse:
    return render(request, "web/refresh_run.html", _run_context(request, run_id))


@require_safe
@never_cache
def refresh_progress(request: HttpRequest, run_id: int) -> HttpResponse:
    """The part of the page that is asked for every two seconds; it loads the page anew when the run has ended."""
    here = reverse("web:refresh_run", args=[run_id])
    if not request.user.is_authenticated:
        return HttpResponse(headers={"HX-Redirect": here})
    context = _run_context(request, run_id)
    response = render(request, "web/_refresh_parts.html", context)
    if context["run"].state != "running":
        response["HX-Redirect"] = here
    return response


@login_required
@require_POST
def cancel_refresh(request: HttpRequest, run_id: int) -> HttpResponse:
    if not refreshes.cancel(user=request.user, run_id=run_id, moment=timezone.now()):
        messages.info(request, "This run had already ended.")
    return redirect("web:refresh_run", run_id)


@login_required
@require_POST
def schedule_refresh(request: HttpRequest) -> HttpResponse:
    access.operator(user=request.user)
    form = ScheduleForm(request.POST)
    if form.is_valid():
        refreshes.set_schedule(user=request.user, moment=timezone.now(), **form.cleaned_data)
        title, hours = SCHEDULED_TITLES[form.cleaned_data["source"]], form.cleaned_data["every_hours"]
        messages.success(request, f"{title}: {f'every {hours} hours' if form.cleaned_data['is_on'] else 'off'}.")
    else:
        messages.error(request, "Hours must be a whole number from 1 to 720. Nothing was changed.")
    return redirect("web:refresh_runs")


@login_required
@require_safe
@never_cache
def quarantine(request: HttpRequest) -> HttpResponse:
    return _quarantine_page(request)


@login_required
@require_POST
def decide_quarantined(request: HttpRequest) -> HttpResponse:
    access.operator(user=request.user)
    ids = [line.id for line in refreshes.quarantine(state="pending", limit=10_000)]
    form = DecideForm(request.POST, ids=ids)
    if not form.is_valid():
        messages.error(request, "Tick at least one row that still waits.")
        return _quarantine_page(request, status=400)
    rows, note = form.cleaned_data["row"], form.cleaned_data["note"]
    if form.cleaned_data["decision"] == "reject":
        count = refreshes.reject(user=request.user, row_ids=rows, note=note, moment=timezone.now())
        messages.success(request, f"Refused: {count}. Stated again, they are only counted.")
        return redirect("web:quarantine")
    try:
        number = refreshes.accept(user=request.user, row_ids=rows, note=note, moment=timezone.now())
    except NotDecidable as error:
        messages.error(request, str(error))
        return _quarantine_page(request, status=409)
    messages.success(request, f"Accepted: {len(rows)}. They stand from catalog release {number} on.")
    return redirect("web:quarantine")


def _runs_page(request: HttpRequest, form: StartForm, *, status: int = 200) -> HttpResponse:
    before = _cursor(request)
    lines = refreshes.runs(before=before, limit=_PAGE + 1)
    common = _common(request)
    titles = _dataset_titles(common["catalog"])
    board = [
        (titles.get(line.dataset) or SOURCE_TITLES[line.source], line, STATES[line.state], counted(line.good_counts))
        for line in refreshes.board()
    ]
    context = {
        **common,
        "form": form,
        "runs": [shown_run(line) for line in lines[:_PAGE]],
        "older": lines[_PAGE - 1].id if len(lines) > _PAGE else None,
        "before": before,
        "unread": [one for one in board if one[1].tried_at != one[1].good_at],
        "read": [one for one in board if one[1].tried_at == one[1].good_at],
        "schedules": [(SCHEDULED_TITLES[line.source], line) for line in refreshes.schedules()],
    }
    return render(request, "web/refresh_runs.html", context, status=status)


def _run_context(request: HttpRequest, run_id: int) -> dict[str, Any]:
    try:
        line = refreshes.run(run_id=run_id)
    except NoSuchRun as error:
        raise Http404(str(error)) from error
    common = _common(request)
    titles = _dataset_titles(common["catalog"])
    parts = [
        {
            "part": part,
            "title": titles.get(part.dataset, part.dataset or SOURCE_TITLES[part.source]),
            "state": STATES[part.state],
            "counts": counted(part.counts),
            "nothing": "not read yet" if part.state in ("queued", "running") else "nothing",
        }
        for part in line.parts
    ]
    done = sum(count for state, count in line.states.items() if state not in ("queued", "running"))
    return {**common, "run": line, "shown": shown_run(line), "parts": parts, "done": done, "of": len(line.parts)}


def _quarantine_page(request: HttpRequest, *, status: int = 200) -> HttpResponse:
    state = request.GET.get("state", "pending")
    if state not in ("pending", "accepted", "rejected"):
        raise Http404("No row of the quarantine is in such a state.")
    before = _cursor(request)
    lines = refreshes.quarantine(state=state, before=before, limit=_ROWS + 1)
    common = _common(request)
    titles = _dataset_titles(common["catalog"])
    context = {
        **common,
        "rows": [_shown_row(line, common["catalog"], titles=titles) for line in lines[:_ROWS]],
        "older": lines[_ROWS - 1].id if len(lines) > _ROWS else None,
        "before": before,
        "state": state,
    }
    return render(request, "web/quarantine.html", context, status=status)


def _common(request: HttpRequest) -> dict[str, Any]:
    try:
        catalog = shelf.current(moment=timezone.now())
    except NoRelease:
        catalog = None
    return {
        "catalog": catalog,
        "may_decide": request.user.is_operator,  # type: ignore[union-attr]
        "waiting": refreshes.waiting_count(),
    }


def shown_run(line: RunLine) -> dict[str, Any]:
    """Return a run as lists show it."""
    return {
        "run": line,
        "title": ", ".join(SOURCE_TITLES.get(name, name) for name in line.sources),
        "state": STATES[line.state],
        "counts": counted(line.counts),
        "parts": [(count, STATES[state][0]) for state, count in sorted(line.states.items())],
    }


def counted(counts: Mapping[str, int]) -> str:
    """Return what a reading found, in words: `12 new, 3 changed`."""
    return ", ".join(f"{counts[name]:,} {word}" for name, word in COUNTS.items() if counts.get(name))


def _dataset_titles(catalog: Any) -> dict[str, str]:
    """Return what each dataset is called, by its id; none before the catalog is loaded."""
    return {source.id: source.title for source in catalog.sources} if catalog is not None else {}


def _shown_row(line: QuarantineLine, catalog: Any, *, titles: Mapping[str, str]) -> dict[str, Any]:
    table = {"offer": "offers", "model_offer": "model-offers", "shape": "instances"}[line.subject]
    prefix = {"offer": "offer:", "model_offer": "model_offer:", "shape": "instance:"}[line.subject]
    is_held = catalog is not None and f"{prefix}{line.key}" in catalog.rows
    return {
        "row": line,
        "label": row_name(f"{prefix}{line.key}", catalog),
        "source": titles.get(line.dataset, line.dataset),
        "meter": label_of(line.meter),
        "href": address(table, line.key) if is_held else "",
        "before": f"{line.before.normalize():f}" if line.before is not None else "",
    }


def _cursor(request: HttpRequest) -> int | None:
    text = request.GET.get("before", "")
    return int(text) if text.isdecimal() and len(text) < 19 else None
