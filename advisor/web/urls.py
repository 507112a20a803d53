"""The pages' addresses."""

from django.urls import path

from advisor.web import decisions, people, questionnaire, reports, runs

REVISION = "decisions/<int:decision_id>/revisions/<int:number>"

app_name = "web"
urlpatterns = [
    path("", decisions.start, name="start"),
    path("sign-in", people.sign_in, name="sign_in"),
    path("sign-in/<str:token>", people.sign_in_by_link, name="sign_in_by_link"),
    path("sign-out", people.sign_out, name="sign_out"),
    path("examples/<slug:name>", decisions.begin_from_example, name="begin_from_example"),
    path("decisions/new", decisions.begin, name="begin"),
    path("decisions/<int:decision_id>", decisions.decision, name="decision"),
    path("decisions/<int:decision_id>/rename", decisions.rename, name="rename_decision"),
    path(f"{REVISION}/copy", decisions.copy, name="copy_revision"),
    path(f"{REVISION}/next", decisions.following, name="next_revision"),
    path(f"{REVISION}/questions/<str:page>", questionnaire.questions, name="questions"),
    path(f"{REVISION}/workloads", questionnaire.workloads, name="workloads"),
    path(f"{REVISION}/review", questionnaire.review, name="review"),
    path(f"{REVISION}/take-back", questionnaire.take_back, name="take_back"),
    path(f"{REVISION}/document", questionnaire.document, name="document"),
    path(f"{REVISION}/document.yaml", questionnaire.document_yaml, name="document_yaml"),
    path(f"{REVISION}/document.json", questionnaire.document_json, name="document_json"),
    path("runs/<int:run_id>", runs.run, name="run"),
    path("runs/<int:run_id>/progress", runs.run_progress, name="run_progress"),
    path("runs/<int:run_id>/cancel", runs.cancel_run, name="cancel_run"),
    path("runs/<int:run_id>/retry", runs.retry_run, name="retry_run"),
    path("decisions/<int:decision_id>/revisions/<int:number>/report", reports.report, name="report"),
    path("decisions/<int:decision_id>/revisions/<int:number>/report.json", reports.report_json, name="report_json"),
    path(
        "decisions/<int:decision_id>/revisions/<int:number>/report.md", reports.report_markdown, name="report_markdown"
    ),
]
