"""The pages of model endpoints: a key that is typed is never shown, and nothing is sent before the dry run was seen."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from advisor.models import Endpoint, EndpointProbe, User
from catalog.probes.load import Outcome, Plan, Purse, Step
from catalog.probes.streaming import Sample, Usage
from tests.advisor.factories import MOMENT, a_member, a_probe, an_endpoint
from tests.catalog.probes.test_load import PLAN

pytestmark = pytest.mark.django_db

KEY = "sk-live-0123456789-abcd"
NEW = {
    "name": "Our <b>model</b>",
    "kind": "openai",
    "address": "https://models.example.org/v1",
    "model": "m",
    "key": KEY,
    "input_usd_per_mtok": "2.5",
    "output_usd_per_mtok": "10",
}
ASKED = {
    "steps": "1, 2",
    "requests_per_step": "20",
    "prompt_words": "200",
    "max_tokens": "128",
    "most_tokens": "200000",
    "most_usd": "1.00",
}


@pytest.fixture
def editor() -> User:
    return a_member(role="editor")


@pytest.fixture
def browser(editor: User, client: Client) -> Client:
    client.force_login(editor)
    return client


def shelf(user: User) -> str:
    return f"/workspaces/{user.workspaces.get().pk}/endpoints"


def a_result(plan: Plan = PLAN) -> dict[str, Any]:
    """What a probe of two steps kept, the second without counts and with failures."""
    samples = [
        Sample(
            headers_ms=90.0,
            ttft_ms=100.0 + place,
            total_ms=900.0,
            gaps_ms=(10.0, 20.0),
            usage=Usage(input_tokens=50, output_tokens=80),
            usage_doubt="",
            tokens_per_s=50.0,
            tokens_per_s_reason="",
            server_ms=None,
            notes=(),
        )
        for place in range(20)
    ]
    first, second = Step(concurrency=1, asked=20, samples=samples), Step(concurrency=2, asked=20)
    second.failures["rate_limited"] += 20
    outcome = Outcome(steps=(first, second), purse=Purse(plan), stopped_by="the money cap")
    told = {"vantage": "Frankfurt", "kind": "openai", "place": "https://models.example.org", "model": "m"}
    return outcome.as_json() | told


def ended(user: User) -> EndpointProbe:
    probe = a_probe(user=user)
    EndpointProbe.objects.filter(pk=probe.pk).update(
        state="succeeded", result=a_result(), finished_at=MOMENT, attempt=1, tokens_at_most=2600
    )
    probe.refresh_from_db()
    return probe


def test_an_endpoint_is_registered_and_its_key_stands_on_no_page(browser: Client, editor: User, published: int) -> None:
    made = browser.post(shelf(editor), NEW, follow=True)

    page = made.content.decode()
    assert "is registered. Nothing has been sent to it yet." in page
    assert "Our &lt;b&gt;model&lt;/b&gt;" in page
    listed = browser.get(shelf(editor)).content.decode()
    assert "…abcd" in listed
    assert KEY not in page + listed


def test_what_is_wrong_stands_at_its_field_and_the_key_is_not_given_back(
    browser: Client, editor: User, published: int
) -> None:
    answer = browser.post(shelf(editor), NEW | {"address": "http://10.0.0.1/", "model_offer_id": "none/such"})

    page = answer.content.decode()
    assert answer.status_code == 400
    assert "must begin with https://" in page
    assert "no model offer of this id" in page
    assert KEY not in page
    assert not Endpoint.objects.exists()


def test_a_dry_run_shows_the_bound_and_sending_takes_a_second_press(
    browser: Client, editor: User, published: int
) -> None:
    browser.post(shelf(editor), NEW)
    here = f"/endpoints/{Endpoint.objects.get().pk}"

    dry = browser.post(here, ASKED).content.decode()
    assert not EndpointProbe.objects.exists()
    sent = browser.post(f"{here}/probes", ASKED)

    assert "Dry run: nothing has been sent" in dry
    found = re.search(r"40 of 40 requests, at most ([\d,]+) tokens and \$([\d.]+)\.", dry)
    assert found is not None
    assert f"Send it, for at most ${found[2]}" in dry
    assert "https://models.example.org/v1/chat/completions" in dry
    assert KEY not in dry
    probe = EndpointProbe.objects.get()
    assert (sent.status_code, sent.headers["Location"]) == (302, f"/probes/{probe.pk}")
    assert probe.plan["steps"] == [1, 2]


def test_a_plan_that_is_refused_says_why_and_offers_no_button(browser: Client, editor: User, published: int) -> None:
    endpoint = an_endpoint(user=editor, input_usd_per_mtok=None, output_usd_per_mtok=None)

    page = browser.post(f"/endpoints/{endpoint.pk}", ASKED).content.decode()
    typed_wrongly = browser.post(f"/endpoints/{endpoint.pk}", ASKED | {"steps": "many"})

    assert "No price is known" in page
    assert "Send it" not in page
    assert (typed_wrongly.status_code, "such as 1, 2, 4" in typed_wrongly.content.decode()) == (400, True)


def test_a_waiting_probe_is_followed_and_can_be_cancelled(browser: Client, editor: User) -> None:
    probe = a_probe(user=editor)

    page = browser.get(f"/probes/{probe.pk}").content.decode()
    part = browser.get(f"/probes/{probe.pk}/progress")
    browser.post(f"/probes/{probe.pk}/cancel")
    after = browser.get(f"/probes/{probe.pk}/progress")

    assert f'hx-get="/probes/{probe.pk}/progress"' in page
    assert ("HX-Redirect" in part.headers, after.headers["HX-Redirect"]) == (False, f"/probes/{probe.pk}")
    assert "was cancelled" in after.content.decode()


def test_the_results_show_distributions_failures_and_the_vantage(browser: Client, editor: User) -> None:
    probe = ended(editor)

    page = browser.get(f"/probes/{probe.pk}").content.decode()

    for text in (
        "Measured from Frankfurt",
        "20 × too many requests (429)",
        "by the money cap",
        "Time to first token: a median of 109 ms with 1 request at a time",
        "95th percentile, ms",
        "118",
        "data-figure",
    ):
        assert text in page, text


def test_a_viewer_reads_results_and_finds_no_button(client: Client, editor: User) -> None:
    probe = ended(editor)
    client.force_login(a_member(role="viewer", workspace=editor.workspaces.get()))

    pages = [
        client.get(address).content.decode()
        for address in (shelf(editor), f"/endpoints/{probe.endpoint_id}", f"/probes/{probe.pk}")
    ]

    assert not any(word in page for page in pages for word in ("Register another", "Plan a probe", "Remove …"))


def test_a_list_takes_as_many_queries_for_many_as_for_one(
    browser: Client, editor: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        a_probe(user=editor, endpoint=an_endpoint(user=editor, name=f"Number {number}"))

    with django_assert_max_num_queries(9):
        browser.get(shelf(editor))
