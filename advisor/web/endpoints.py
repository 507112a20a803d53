"""The pages of a workspace's own model endpoints: registered, probed after a dry run, and what a probe showed."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advisor import tasks
from advisor.core import probe_readout
from advisor.models import EndpointProbe
from advisor.services import access, endpoint_probes
from advisor.services import endpoints as service
from advisor.web.forms_endpoints import EndpointForm, ProbeForm
from advisor.web.plots import plotted
from catalog import queries


@login_required
@never_cache
@sensitive_post_parameters("key")
@sensitive_variables("form")
@require_http_methods(["GET", "HEAD", "POST"])
def endpoints(request: HttpRequest, workspace_id: int) -> HttpResponse:
    """List the endpoints, and register another."""
    found = access.workspace(user=request.user, workspace_id=workspace_id, write=request.method == "POST")
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = service.register(
                workspace=found,
                user=request.user,
                stated=form.stated(),
                catalog=queries.current(),
                moment=timezone.now(),
            )
        except service.EndpointRefused as error:
            for name, text in error.problems.items():
                form.add_error(name, text)
        except queries.NoRelease as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"“{made.name}” is registered. Nothing has been sent to it yet.")
            return redirect("web:endpoint", made.pk)
    context = {
        "workspace": found,
        "rows": service.rows(workspace=found),
        "form": form,
        "offers": _offers(),
        "may_write": access.may_write(user=request.user, workspace_id=found.pk),
    }
    return render(request, "web/endpoints.html", context, status=400 if form.errors else 200)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def endpoint(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    """One endpoint with its probes. Posting the plan of another makes a dry run of it: nothing is sent."""
    found = access.endpoint(user=request.user, endpoint_id=endpoint_id, write=request.method == "POST")
    form = ProbeForm(request.POST or None)
    dry = None
    if request.method == "POST" and form.is_valid():
        dry = endpoint_probes.dry_run(endpoint=found, wanted=form.wanted(), catalog=queries.current())
    context = {
        "workspace": found.workspace,
        "row": service.row(found),
        "probes": endpoint_probes.rows(endpoint=found),
        "form": form,
        "dry": dry,
        "may_write": access.may_write(user=request.user, workspace_id=found.workspace_id),
    }
    return render(request, "web/endpoint.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def remove_endpoint(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    found = access.endpoint(user=request.user, endpoint_id=endpoint_id, write=True)
    service.remove(endpoint=found, user=request.user, moment=timezone.now())
    messages.success(request, f"“{found.name}” is removed, with its key and its probes.")
    return redirect("web:endpoints", found.workspace_id)


@login_required
@require_POST
def start_probe(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    """Send what a dry run has shown."""
    found = access.endpoint(user=request.user, endpoint_id=endpoint_id, write=True)
    form = ProbeForm(request.POST)
    if not form.is_valid():
        return endpoint(request, endpoint_id)
    try:
        probe = endpoint_probes.start(
            endpoint=found,
            user=request.user,
            wanted=form.wanted(),
            catalog=queries.current(),
            moment=timezone.now(),
        )
    except (
        endpoint_probes.PlanRefused,
        endpoint_probes.TooManyProbes,
        endpoint_probes.AlreadyProbed,
        queries.NoRelease,
    ) as error:
        messages.error(request, str(error))
        return redirect("web:endpoint", found.pk)
    tasks.send_endpoint_probe(probe_id=probe.pk)
    return redirect("web:probe", probe.pk)


@login_required
@never_cache
@require_safe
def probe(request: HttpRequest, probe_id: int) -> HttpResponse:
    return render(
        request, "web/probe.html", _context(request, access.endpoint_probe(user=request.user, probe_id=probe_id))
    )


@require_safe
@never_cache
def probe_progress(request: HttpRequest, probe_id: int) -> HttpResponse:
    """The part of the probe's page that is asked for each second; it sends the page on when the probe has ended."""
    address = reverse("web:probe", args=[probe_id])
    if not request.user.is_authenticated:  # the session ended meanwhile: the page itself leads to signing in
        return HttpResponse(headers={"HX-Redirect": address})
    found = access.endpoint_probe(user=request.user, probe_id=probe_id)
    response = render(request, "web/_probe_progress.html", _context(request, found))
    if not found.is_open:
        response["HX-Redirect"] = address
    return response


@login_required
@require_POST
def cancel_probe(request: HttpRequest, probe_id: int) -> HttpResponse:
    found = access.endpoint_probe(user=request.user, probe_id=probe_id, write=True)
    if not endpoint_probes.cancel(probe=found, user=request.user, moment=timezone.now()):
        messages.info(request, "This probe had already ended.")
    return redirect("web:probe", found.pk)


def _offers() -> list[str]:
    """Return the ids to choose from, none before the catalog is loaded."""
    try:
        return sorted(queries.current().model_offers["model_offer_id"])
    except queries.NoRelease:
        return []


def _context(request: HttpRequest, found: EndpointProbe) -> dict[str, Any]:
    row = endpoint_probes.row(found)
    shown: dict[str, Any] = {}
    if row.result is not None:
        parts = probe_readout.parts(row.result, probe_number=row.probe_id)
        if not any(part.chart for part in parts):  # nobody answered: there is no distribution of anything
            parts = ()
        shown = {
            "steps": probe_readout.steps(row.result),
            "columns": probe_readout.COLUMNS,
            "parts": [{"part": part, "one": plotted(part.chart) if part.chart else None} for part in parts],
        }
    return {
        "probe": row,
        "workspace": found.endpoint.workspace,
        "may_write": access.may_write(user=request.user, workspace_id=found.endpoint.workspace_id),
        **shown,
    }
