"""The pages' addresses."""

from django.urls import path

from advisor.web import comparisons, decisions, people, reports, runs

app_name = "web"
urlpatterns = [
    path("", decisions.start, name="start"),
    path("sign-in", people.sign_in, name="sign_in"),
    path("sign-in/<str:token>", people.sign_in_by_link, name="sign_in_by_link"),
    path("sign-out", people.sign_out, name="sign_out"),
    path("examples/<slug:name>", decisions.example, name="example"),
    path("runs/<int:run_id>", runs.run, name="run"),
    path("runs/<int:run_id>/progress", runs.run_progress, name="run_progress"),
    path("runs/<int:run_id>/cancel", runs.cancel_run, name="cancel_run"),
    path("runs/<int:run_id>/retry", runs.retry_run, name="retry_run"),
    path("decisions/<int:decision_id>/compare", comparisons.compare, name="compare"),
    path("decisions/<int:decision_id>/revisions/<int:number>/report", reports.report, name="report"),
    path("decisions/<int:decision_id>/revisions/<int:number>/report/cost", reports.cost, name="report_cost"),
    path(
        "decisions/<int:decision_id>/revisions/<int:number>/report/workloads/<slug:workload_id>",
        reports.workload,
        name="report_workload",
    ),
    path(
        "decisions/<int:decision_id>/revisions/<int:number>/report/coupling", reports.coupling, name="report_coupling"
    ),
    path("decisions/<int:decision_id>/revisions/<int:number>/report/checks", reports.checks, name="report_checks"),
    path(
        "decisions/<int:decision_id>/revisions/<int:number>/report/evidence", reports.evidence, name="report_evidence"
    ),
    path(
        "decisions/<int:decision_id>/revisions/<int:number>/report/evidence/<int:statement_number>",
        reports.statement,
        name="report_statement",
    ),
    path(
        "decisions/<int:decision_id>/revisions/<int:number>/report/evidence/<int:statement_number>/card",
        reports.statement_card,
        name="report_statement_card",
    ),
    path("decisions/<int:decision_id>/revisions/<int:number>/report/print", reports.whole, name="report_print"),
    path("decisions/<int:decision_id>/revisions/<int:number>/report.json", reports.report_json, name="report_json"),
    path(
        "decisions/<int:decision_id>/revisions/<int:number>/report.md", reports.report_markdown, name="report_markdown"
    ),
]
