"""The pages' addresses."""

from django.urls import path

from advisor.web import views

app_name = "web"
urlpatterns = [
    path("", views.start, name="start"),
    path("sign-in", views.sign_in, name="sign_in"),
    path("sign-in/<str:token>", views.sign_in_by_link, name="sign_in_by_link"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("examples/<slug:name>", views.example, name="example"),
    path("runs/<int:run_id>", views.run, name="run"),
    path("runs/<int:run_id>/progress", views.run_progress, name="run_progress"),
    path("runs/<int:run_id>/cancel", views.cancel_run, name="cancel_run"),
    path("runs/<int:run_id>/retry", views.retry_run, name="retry_run"),
    path("decisions/<int:decision_id>/revisions/<int:number>/report", views.report, name="report"),
    path("decisions/<int:decision_id>/revisions/<int:number>/report.json", views.report_json, name="report_json"),
    path("decisions/<int:decision_id>/revisions/<int:number>/report.md", views.report_markdown, name="report_markdown"),
]
