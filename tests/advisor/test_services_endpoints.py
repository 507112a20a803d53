"""Endpoints of a workspace: what may be registered, and that a key is never seen again."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from advisor.models import AuditEvent, Endpoint, User
from advisor.services import credentials, endpoints
from catalog.frame import Catalog
from tests.advisor.factories import MOMENT, a_member

pytestmark = pytest.mark.django_db

KEY = "sk-live-0123456789-abcd"
STATED: dict[str, Any] = {
    "name": "Our model",
    "kind": "openai",
    "address": "https://models.example.org/v1",
    "model": "llama-3.3-70b",
    "key": KEY,
}
BEDROCK = STATED | {"kind": "bedrock", "address": "", "region": "eu-west-1", "key_id": "AKIAEXAMPLE12345"}
AZURE = STATED | {"kind": "azure_openai", "address": "https://team.openai.azure.com", "api_version": "2025-04-01"}


@pytest.fixture
def editor() -> User:
    return a_member(role="editor")


def register(user: User, catalog: Catalog, **changes: Any) -> Endpoint:
    stated = endpoints.Stated(**(STATED | changes))
    return endpoints.register(workspace=user.workspaces.get(), user=user, stated=stated, catalog=catalog, moment=MOMENT)


def test_a_key_is_encrypted_and_of_its_letters_the_last_four_remain(editor: User, shipped: Catalog) -> None:
    made = register(editor, shipped)

    (row,) = endpoints.rows(workspace=editor.workspaces.get())
    assert (row.key_ending, row.place, row.kind_label) == ("abcd", STATED["address"], "OpenAI-compatible chat API")
    assert credentials.decrypt(made.key) == KEY
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM advisor_endpoint")
        assert KEY not in str(cursor.fetchall())
    assert KEY not in str(list(AuditEvent.objects.values()))
    assert KEY not in repr(endpoints.Stated(**STATED))


def test_of_a_short_key_nothing_remains(editor: User, shipped: Catalog) -> None:
    assert register(editor, shipped, key="sk-short").key_ending == ""


@pytest.mark.parametrize("stated", [STATED, BEDROCK, AZURE, STATED | {"kind": "gemini"}], ids=lambda one: one["kind"])
def test_every_kind_can_be_registered_and_is_in_the_trail(
    stated: dict[str, Any], editor: User, shipped: Catalog
) -> None:
    made = register(editor, shipped, **stated)

    event = AuditEvent.objects.get()
    assert (event.action, event.subject, event.actor) == ("endpoint.registered", "Our model", editor.email)
    assert event.detail == {"kind": made.kind, "place": made.address or made.region, "model": made.model}


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"name": "  "}, "name", "name"),
        ({"kind": "smoke"}, "kind", "One of openai"),
        ({"model": "a model\r\nX: y"}, "model", "letters, digits"),
        ({"model": "../../admin?x=" + "a"}, "model", "letters, digits"),
        ({"key": ""}, "key", "one line"),
        ({"key": "sk\r\nX-Other: 1"}, "key", "one line"),
        ({"address": "http://models.example.org"}, "address", "https://"),
        ({"address": "https://user:pw@models.example.org"}, "address", "password"),
        ({"address": "https://2130706433/v1"}, "address", "plainly written"),
        ({"address": "https://models.example.org/v1?x=1"}, "address", "Leave out"),
        ({"address": "https://models.example.org/v1#x"}, "address", "Leave out"),
        ({"model_offer_id": "no/such/offer"}, "model_offer_id", "no model offer"),
        ({"input_usd_per_mtok": Decimal(1)}, "output_usd_per_mtok", "both"),
        ({"input_usd_per_mtok": Decimal(-1), "output_usd_per_mtok": Decimal(1)}, "output_usd_per_mtok", "between"),
        ({"region": "eu-west-1"}, "region", "Only Bedrock"),
        ({"api_version": "2025"}, "api_version", "Only Azure"),
        (AZURE | {"api_version": ""}, "api_version", "Azure's API version"),
        (AZURE | {"api_version": "1&x=2"}, "api_version", "Azure's API version"),
        (BEDROCK | {"region": "169.254.169.254/"}, "region", "catalog's AWS regions"),
        (BEDROCK | {"address": "https://models.example.org"}, "address", "follows from its region"),
        (BEDROCK | {"key_id": ""}, "key_id", "access key id"),
    ],
)
def test_what_cannot_be_registered_is_told_by_its_field(
    changes: dict[str, Any], field: str, says: str, editor: User, shipped: Catalog
) -> None:
    with pytest.raises(endpoints.EndpointRefused) as caught:
        register(editor, shipped, **changes)

    assert says in caught.value.problems[field]
    assert not Endpoint.objects.exists()


def test_a_name_stands_once_in_a_workspace(editor: User, shipped: Catalog) -> None:
    register(editor, shipped)
    register(a_member(), shipped)

    with pytest.raises(endpoints.EndpointRefused, match="of this name"):
        register(editor, shipped)


def test_a_removed_endpoint_is_gone_with_its_key(editor: User, shipped: Catalog) -> None:
    made = register(editor, shipped)

    endpoints.remove(endpoint=made, user=editor, moment=MOMENT)

    assert not Endpoint.objects.exists()
    assert AuditEvent.objects.latest("pk").action == "endpoint.removed"


def test_a_dump_of_the_database_holds_no_key(
    editor: User, shipped: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    register(editor, shipped)

    call_command("dumpdata", "advisor.endpoint")

    (dumped,) = json.loads(capsys.readouterr().out)
    assert KEY not in str(dumped)
