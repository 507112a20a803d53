"""The pages' addresses."""

from django.urls import path

from advisor.web import catalog, decisions, people, reports, runs

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
    path("catalog", catalog.overview, name="catalog"),
    path("catalog/search", catalog.search_page, name="catalog_search"),
    path("catalog/compare", catalog.comparison, name="catalog_compare"),
    path("catalog/freshness", catalog.freshness, name="catalog_freshness"),
    path("catalog/releases", catalog.releases, name="catalog_releases"),
    path("catalog/releases/<int:number>", catalog.release, name="catalog_release"),
    path("catalog/<slug:name>.csv", catalog.table_csv, name="catalog_csv"),
    path("catalog/<slug:name>", catalog.table_list, name="catalog_list"),
    path("catalog/<slug:name>/<path:row_id>", catalog.row, name="catalog_row"),
]
