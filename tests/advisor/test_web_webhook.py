"""The webhook on a workspace's page: an owner sets it, sees its secret once and what became of its messages."""

import pytest
from django.test import Client
from django.urls import reverse

from advisor.models import AuditEvent, Delivery, User, Webhook, Workspace
from advisor.services import credentials
from tests.advisor.factories import MOMENT, a_member, a_reported_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return a_member(role="owner")


@pytest.fixture
def workspace(owner: User) -> Workspace:
    return owner.workspaces.get()


@pytest.fixture
def page(owner: User, client: Client) -> Client:
    client.force_login(owner)
    return client


def set_to(page: Client, workspace: Workspace, url: str):
    return page.post(reverse("web:set_webhook", args=[workspace.pk]), {"url": url})


def test_the_secret_is_shown_once(page: Client, workspace: Workspace) -> None:
    shown = set_to(page, workspace, "https://hooks.example.org/secret-path")

    secret = credentials.decrypt(Webhook.objects.get().secret)
    later = page.get(reverse("web:workspace", args=[workspace.pk]))
    assert secret in shown.content.decode()
    assert "only a fingerprint" not in shown.content.decode()
    assert secret not in later.content.decode()
    assert "https://hooks.example.org/secret-path" in later.content.decode()
    assert AuditEvent.objects.get(action="webhook.set").subject == "hooks.example.org"


@pytest.mark.parametrize("url", ["http://example.org/", "https://127.1/", "https://user:word@example.org/", ""])
def test_an_address_that_must_not_be_called_is_refused_at_its_field(
    url: str, page: Client, workspace: Workspace
) -> None:
    refused = set_to(page, workspace, url)

    assert refused.status_code == 400
    assert "field-error" in refused.content.decode()
    assert not Webhook.objects.exists()


def test_the_page_tells_what_became_of_messages(page: Client, owner: User, workspace: Workspace) -> None:
    set_to(page, workspace, "https://hooks.example.org/")
    for state, problem in ((Delivery.State.PENDING, "It answered 500."), (Delivery.State.PENDING, "")):
        Delivery.objects.create(
            webhook=Webhook.objects.get(), run=a_reported_run(owner=owner, content=b"{}"), state=state,
            problem=problem, due_at=MOMENT, created_at=MOMENT,
        )  # fmt: skip

    text = page.get(reverse("web:workspace", args=[workspace.pk])).content.decode()

    assert "It answered 500." in text
    assert "not tried yet" in text


def test_it_is_removed(page: Client, workspace: Workspace) -> None:
    set_to(page, workspace, "https://hooks.example.org/")

    page.post(reverse("web:remove_webhook", args=[workspace.pk]))

    assert not Webhook.objects.exists()


def test_an_editor_sees_nothing_of_it(client: Client, page: Client, workspace: Workspace) -> None:
    set_to(page, workspace, "https://hooks.example.org/")
    client.force_login(a_member(role="editor", workspace=workspace))

    assert b"hooks.example.org" not in client.get(reverse("web:workspace", args=[workspace.pk])).content
    assert set_to(client, workspace, "https://other.example.org/").status_code == 403
