"""The pages of measured region latency: whoever is signed in reads them, an operator sets probes going."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from advisor import price_tasks
from advisor.core import latency as words
from advisor.core.shelf.labels import in_words
from advisor.services import access, probing
from advisor.web.forms_latency import AddTargetForm, ProbeForm
from advisor.web.plots import plotted
from advisor.web.refreshes import STATES
from catalog.latency import NothingToProbe, Reading, Target, UnknownTarget, pooled

PROVIDERS = ("aws", "azure", "gcp")


@login_required
@require_safe
def latency(request: HttpRequest) -> HttpResponse:
    return _page(request)


@login_required
@require_safe
def latency_target(request: HttpRequest, target_id: str) -> HttpResponse:
    try:
        target = probing.target(target_id)
    except UnknownTarget as error:
        raise Http404(str(error)) from error
    history = probing.history(target_id)
    context = {
        "target": target,
        "place": _place(target.provider, target.region),
        "name": _target_name(target),
        "readings": [_detailed(one, history) for one in _newest_of(history)],
        "history": [_line(one) for one in history if one.has_a_way],
    }
    return render(request, "web/latency_target.html", context)


@login_required
@require_POST
def probe_now(request: HttpRequest) -> HttpResponse:
    """An operator begins a run; the workers do it."""
    access.operator(user=request.user)
    form = ProbeForm(request.POST, targets=probing.targets())
    if not form.is_valid():
        return _page(request, probe_form=form)
    word = form.cleaned_data["what"]
    try:
        begun = probing.begin(words=[word] if word else [], user=request.user, moment=timezone.now())
    except NothingToProbe as error:
        form.add_error("what", str(error))
        return _page(request, probe_form=form)
    price_tasks.send_probes(part_ids=begun.part_ids)
    messages.success(request, "The probes are on their way. A part takes a minute or two; reload this page to see it.")
    return redirect("web:catalog_latency")


@login_required
@require_POST
def add_probe_target(request: HttpRequest) -> HttpResponse:
    access.operator(user=request.user)
    form = AddTargetForm(request.POST, targets=probing.targets())
    if not form.is_valid():
        return _page(request, target_form=form)
    provider, region = form.cleaned_data["region"].split("/", 1)
    try:
        target_id = probing.add_target(
            provider=provider, region=region, url=form.cleaned_data["url"], user=request.user, moment=timezone.now()
        )
    except (probing.BadTarget, UnknownTarget) as error:
        form.add_error("url", str(error))
        return _page(request, target_form=form)
    messages.success(request, "The target is on the list.")
    return redirect("web:catalog_latency_target", target_id)


@login_required
@require_POST
def switch_probe_target(request: HttpRequest, target_id: str) -> HttpResponse:
    access.operator(user=request.user)
    is_on = request.POST.get("is_on") == "yes"
    try:
        probing.switch_target(target_id=target_id, is_on=is_on, user=request.user, moment=timezone.now())
    except UnknownTarget as error:
        raise Http404(str(error)) from error
    messages.success(request, f"The target is switched {'on' if is_on else 'off'}.")
    return redirect("web:catalog_latency_target", target_id)


def region_lines(*, provider: str, region: str) -> list[dict[str, Any]]:
    """Return what was measured of one region, for its own page."""
    return [_line(one) for one in probing.newest(provider=provider, region=region) if one.has_a_way]


def _page(
    request: HttpRequest, *, probe_form: ProbeForm | None = None, target_form: AddTargetForm | None = None
) -> HttpResponse:
    targets = probing.targets()
    newest = probing.newest()
    shown = [one for one in newest if one.has_a_way]
    seen = {one.target for one in newest}
    context = {
        "providers": [_provider(name, [one for one in shown if one.provider == name]) for name in PROVIDERS],
        "has_readings": bool(newest),
        "unseen": [(one.id, _target_name(one)) for one in targets if one.is_on and one.id not in seen],
        "off": [(one.id, _target_name(one)) for one in targets if not one.is_on],
        "targets_count": len(targets),
        "runs": [(one, STATES[one.state]) for one in probing.runs()],
        "comparison": _comparison(request, shown),
        "comparable": sorted({one.target: _target_name(one) for one in shown if _is_comparable(one)}.items()),
        "probe_form": probe_form or ProbeForm(targets=targets),
        "target_form": target_form or AddTargetForm(targets=targets),
    }
    is_refused = bool((probe_form and probe_form.errors) or (target_form and target_form.errors))
    return render(request, "web/latency.html", context, status=400 if is_refused else 200)


def _provider(name: str, shown: Sequence[Reading]) -> dict[str, Any]:
    lines = [_line(one) for one in sorted(shown, key=lambda one: (one.warm.median_ms is None, one.warm.median_ms or 0))]
    vantages = sorted({one.vantage for one in shown})
    charts = []
    for number, vantage in enumerate(vantages):
        mine = [one for one in shown if one.vantage == vantage and one.warm.count]
        medians = [(f"{_region(one)}, IPv{one.family}", one.warm) for one in mine]
        chart = words.regions_chart(medians, vantage=vantage, provider=f"{name}-{number}")
        charts += [plotted(chart)] if chart.is_drawn else []
    return {"name": name, "label": in_words("provider", name), "lines": lines, "charts": charts}


def _comparison(request: HttpRequest, shown: Sequence[Reading]) -> dict[str, str] | None:
    ids = [request.GET.get(name, "")[:200] for name in ("first", "second")]
    found = {one.target: one for one in shown if _is_comparable(one)}
    if not all(one in found for one in ids):
        return None
    first, second = (found[one] for one in ids)
    if first.vantage != second.vantage:
        text = f"Not comparable: one was measured from {first.vantage}, the other from {second.vantage}."
    else:
        text = f"From {first.vantage}, compared with {_target_name(second)}: {words.compared(first.warm, second.warm)}."
    return {"first": first.target, "second": second.target, "title": _target_name(first), "text": text}


def _line(one: Reading) -> dict[str, Any]:
    return {
        "reading": one,
        "region": _region(one),
        "median": words.middle(one.warm),
        "top": words.top(one.warm),
        "count": one.warm.count,
        "failed_count": one.warm.failed_count + one.cold["first_byte"].failed_count,
        "failures": words.failures(one.warm) if one.warm.failures else words.failures(one.cold["first_byte"]),
    }


def _detailed(one: Reading, history: Sequence[Reading]) -> dict[str, Any]:
    summaries = {**one.cold, "warm": one.warm}
    chart = words.strips_chart(
        samples=one.samples_ms, summaries=summaries, vantage=one.vantage, id=f"strips-{one.family}"
    )
    same = [past for past in history if (past.family, past.vantage) == (one.family, one.vantage)]
    return _line(one) | {
        "chart": plotted(chart) if chart.is_drawn else None,
        "phases": [
            {
                "label": label,
                "summary": summaries[phase],
                "median": words.middle(summaries[phase]),
                "min": words.in_ms(summaries[phase].min_ms),
                "top": words.top(summaries[phase]),
                "mad": words.in_ms(summaries[phase].mad_ms),
                "iqr": words.in_ms(summaries[phase].iqr_ms),
            }
            for phase, label in words.PHASES.items()
        ],
        "cold_failures": words.failures(one.cold["first_byte"]),
        "warm_failures": words.failures(one.warm),
        "statuses": ", ".join(f"{status} ({count} ×)" for status, count in one.statuses.items()),
        "pooled": words.top(pooled(same)),
        "pooled_count": pooled(same).count,
        "runs_count": len(same),
    }


def _newest_of(history: Sequence[Reading]) -> list[Reading]:
    """Return the newest reading of each family and vantage point."""
    found: dict[tuple[int, str], Reading] = {}
    for one in history:
        found.setdefault((one.family, one.vantage), one)
    return [found[key] for key in sorted(found)]


def _region(one: Reading | Target) -> str:
    return in_words("region", one.region)


def _target_name(one: Reading | Target) -> str:
    """Return a target by its region and host: a region may have several."""
    return f"{_place(one.provider, one.region)}, {one.host}"


def _is_comparable(one: Reading) -> bool:
    return one.family == 4 and bool(one.warm.count)


def _place(provider: str, region: str) -> str:
    return f"{in_words('provider', provider)}, {in_words('region', region)}"
