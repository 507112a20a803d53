"""The pages' addresses."""

from django.urls import path

from advisor.web import (
    account,
    catalog,
    comparisons,
    decisions,
    people,
    questionnaire,
    reports,
    runs,
    workspaces,
)

REVISION = "decisions/<int:decision_id>/revisions/<int:number>"

app_name = "web"
urlpatterns = [
    path("", decisions.start, name="start"),
    path("sign-in", people.sign_in, name="sign_in"),
    path("sign-in/<str:token>", people.sign_in_by_link, name="sign_in_by_link"),
    path("sign-out", people.sign_out, name="sign_out"),
    path("invites/<str:token>", people.invite, name="invite"),
    path("resets/<str:token>", people.reset, name="reset"),
    path("operator/resets", people.operator_resets, name="operator_resets"),
    path("account", account.account, name="account"),
    path("account/name", account.rename_account, name="rename_account"),
    path("account/password", account.change_password, name="change_password"),
    path("account/sessions/end", account.end_sessions, name="end_sessions"),
    path("account/tokens", account.create_token, name="create_token"),
    path("account/tokens/<int:token_id>/revoke", account.revoke_own_token, name="revoke_own_token"),
    path("workspaces", workspaces.workspaces, name="workspaces"),
    path("workspaces/<int:workspace_id>", workspaces.workspace, name="workspace"),
    path("workspaces/<int:workspace_id>/name", workspaces.rename_workspace, name="rename_workspace"),
    path("workspaces/<int:workspace_id>/leave", workspaces.leave_workspace, name="leave_workspace"),
    path("workspaces/<int:workspace_id>/audit", workspaces.trail, name="trail"),
    path("workspaces/<int:workspace_id>/invites", workspaces.create_invite, name="create_invite"),
    path(
        "workspaces/<int:workspace_id>/invites/<int:invite_id>/revoke", workspaces.revoke_invite, name="revoke_invite"
    ),
    path("workspaces/<int:workspace_id>/members/<int:membership_id>/role", workspaces.change_role, name="change_role"),
    path(
        "workspaces/<int:workspace_id>/members/<int:membership_id>/remove",
        workspaces.remove_member,
        name="remove_member",
    ),
    path(
        "workspaces/<int:workspace_id>/members/<int:membership_id>/reset", workspaces.reset_member, name="reset_member"
    ),
    path("workspaces/<int:workspace_id>/webhook", workspaces.set_webhook, name="set_webhook"),
    path("workspaces/<int:workspace_id>/webhook/remove", workspaces.remove_webhook, name="remove_webhook"),
    path("workspaces/<int:workspace_id>/tokens/<int:token_id>/revoke", workspaces.revoke_token, name="revoke_token"),
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
