"""The pages' addresses."""

from django.urls import path

from advisor.web import decisions, people, reports, runs

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
    path("decisions/<int:decision_id>/revisions/<int:number>/report", reports.report, name="report"),
    path("decisions/<int:decision_id>/revisions/<int:number>/report.json", reports.report_json, name="report_json"),
    path(
        "decisions/<int:decision_id>/revisions/<int:number>/report.md", reports.report_markdown, name="report_markdown"
    ),
    path("decisions/<int:decision_id>/revisions/<int:number>/report.pdf", reports.report_pdf, name="report_pdf"),
    path("decisions/<int:decision_id>/revisions/<int:number>/report.pdf/retry", reports.retry_pdf, name="retry_pdf"),
    path("decisions/<int:decision_id>/revisions/<int:number>/report.zip", reports.report_bundle, name="report_bundle"),
]
