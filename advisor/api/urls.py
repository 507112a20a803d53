"""The addresses of the API, below /api/v1/."""

from django.urls import path

from advisor.api import catalog, decisions, docs, endpoints, estimates, lifecycle, refreshes, reports, runs, workspaces

REVISION = "decisions/<int:decision_id>/revisions/<int:number>"

app_name = "api"
urlpatterns = [
    path("schema", docs.Description.as_view(), name="schema"),
    path("docs", docs.Page.as_view(), name="docs"),
    path("me", workspaces.Me.as_view(), name="me"),
    path("tokens", workspaces.Tokens.as_view(), name="tokens"),
    path("tokens/<int:token_id>", workspaces.Token.as_view(), name="token"),
    path("workspaces", workspaces.Workspaces.as_view(), name="workspaces"),
    path("workspaces/<int:workspace_id>", workspaces.Workspace.as_view(), name="workspace"),
    path("workspaces/<int:workspace_id>/members", workspaces.Members.as_view(), name="members"),
    path("workspaces/<int:workspace_id>/webhook", workspaces.Webhook.as_view(), name="webhook"),
    path("decisions", decisions.Decisions.as_view(), name="decisions"),
    path("decisions/<int:decision_id>", decisions.Decision.as_view(), name="decision"),
    path("decisions/<int:decision_id>/document", decisions.Document.as_view(), name="document"),
    path("decisions/<int:decision_id>/runs", decisions.DecisionRuns.as_view(), name="decision_runs"),
    path("decisions/<int:decision_id>/comparison", reports.Comparison.as_view(), name="comparison"),
    path("decisions/<int:decision_id>/steps", lifecycle.Steps.as_view(), name="steps"),
    path(f"{REVISION}/propose", lifecycle.Propose.as_view(), name="propose"),
    path(f"{REVISION}/withdraw", lifecycle.Withdraw.as_view(), name="withdraw"),
    path(f"{REVISION}/reject", lifecycle.Reject.as_view(), name="reject"),
    path(f"{REVISION}/accept", lifecycle.Accept.as_view(), name="accept"),
    path(f"{REVISION}/report", reports.Report.as_view(), name="report"),
    path(f"{REVISION}/report.json", reports.ReportJson.as_view(), name="report_json"),
    path(f"{REVISION}/report.md", reports.ReportMarkdown.as_view(), name="report_markdown"),
    path(f"{REVISION}/report.pdf", reports.ReportPdf.as_view(), name="report_pdf"),
    path(f"{REVISION}/report.zip", reports.ReportBundle.as_view(), name="report_bundle"),
    path("runs", runs.Runs.as_view(), name="runs"),
    path("runs/<int:run_id>", runs.Run.as_view(), name="run"),
    path("runs/<int:run_id>/cancel", runs.CancelRun.as_view(), name="cancel_run"),
    path("endpoints", endpoints.Endpoints.as_view(), name="endpoints"),
    path("endpoints/<int:endpoint_id>", endpoints.Endpoint.as_view(), name="endpoint"),
    path("endpoints/<int:endpoint_id>/probes", endpoints.EndpointProbes.as_view(), name="endpoint_probes"),
    path("probes/<int:probe_id>", endpoints.EndpointProbe.as_view(), name="endpoint_probe"),
    path("probes/<int:probe_id>/cancel", endpoints.CancelEndpointProbe.as_view(), name="cancel_endpoint_probe"),
    path("catalog", catalog.Overview.as_view(), name="catalog"),
    path("catalog/releases", catalog.Releases.as_view(), name="releases"),
    path("catalog/probes", catalog.Probes.as_view(), name="probes"),
    path("catalog/freshness", catalog.Freshness.as_view(), name="freshness"),
    path("catalog/tables/<slug:table>", catalog.Rows.as_view(), name="catalog_rows"),
    path("catalog/tables/<slug:table>.csv", catalog.RowsCsv.as_view(), name="catalog_csv"),
    path("catalog/tables/<slug:table>.parquet", catalog.RowsParquet.as_view(), name="catalog_parquet"),
    path("catalog/tables/<slug:table>/row", catalog.Row.as_view(), name="catalog_row"),
    path("catalog/refreshes", refreshes.Refreshes.as_view(), name="refreshes"),
    path("catalog/refreshes/<int:run_id>", refreshes.Refresh.as_view(), name="refresh"),
    path("catalog/refreshes/<int:run_id>/cancel", refreshes.CancelRefresh.as_view(), name="cancel_refresh"),
    path("catalog/standings", refreshes.Standings.as_view(), name="refresh_standings"),
    path("catalog/schedules/<slug:source>", refreshes.Schedule.as_view(), name="schedule"),
    path("catalog/quarantine", refreshes.Quarantine.as_view(), name="quarantine"),
    path("estimates", estimates.Estimates.as_view(), name="estimates"),
]
