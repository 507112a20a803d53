"""Model offers, vendors and licences: what can be had where, until when, and on which terms."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal

import pytest

from catalog import files, records, rules

TODAY = dt.date(2026, 11, 23)
MEMBER_STATES = ["AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"]
MEMBER_STATES += ["IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"]


def _current(facts: files.Facts) -> list[records.ModelOffer]:
    return [row for row in facts.model_offers if row.retirement_date is None or row.retirement_date > TODAY]


def _licence(facts: files.Facts, licence_id: str) -> records.Licence:
    return next(row for row in facts.licences if row.id == licence_id)


def _verdicts(facts: files.Facts, licence_id: str, **known: object) -> set[str]:
    hard = [row for row in _licence(facts, licence_id).conditions if row.severity == "hard"]
    return {rules.evaluate(rule=condition, facts=known) for condition in hard}


def test_each_offer_is_one_family_on_one_platform_and_scope(facts: files.Facts) -> None:
    seen = [(row.platform, row.family, row.scope) for row in facts.model_offers]

    assert len(seen) == len(set(seen))


def test_all_three_clouds_carry_offers_of_many_vendors(facts: files.Facts) -> None:
    vendors = defaultdict(set)
    for row in _current(facts):
        vendors[row.provider].add(row.vendor)

    assert set(vendors) == {"aws", "azure", "gcp"}
    assert min(len(found) for found in vendors.values()) >= 6


@pytest.mark.parametrize(
    ("family", "clouds"),
    [
        ("claude-sonnet-5-5", {"aws", "azure", "gcp"}),
        ("gpt-6-sol", {"aws", "azure"}),
        ("gemini-3-8-flash", {"gcp"}),
        ("nova-2-lite", {"aws"}),
        ("gpt-oss-120b", {"aws", "azure", "gcp"}),
    ],
)
def test_a_family_stands_on_the_clouds_its_vendor_sells_through(
    facts: files.Facts, family: str, clouds: set[str]
) -> None:
    assert {row.provider for row in _current(facts) if row.family == family} == clouds


def test_a_family_has_one_vendor_one_openness_and_one_licence_everywhere(facts: files.Facts) -> None:
    found = defaultdict(set)
    for row in facts.model_offers:
        found[row.family].add((row.vendor, row.open_weights, row.licence_id))

    assert {family: said for family, said in found.items() if len(said) > 1} == {}


def test_retired_models_are_kept_with_their_date(facts: files.Facts) -> None:
    retired = [row for row in facts.model_offers if row.retirement_date and row.retirement_date <= TODAY]

    assert len(retired) > 20
    assert {row.provider for row in retired} == {"aws", "azure", "gcp"}
    on_vertex = [row for row in retired if row.provider == "gcp" and row.family == "llama-3-3-70b"]
    assert [row.retirement_date for row in on_vertex] == [dt.date(2026, 10, 21)]


def test_no_price_has_a_reason_and_no_price_is_zero(facts: files.Facts) -> None:
    for row in facts.model_offers:
        assert (row.input_usd_per_mtok is None) == (row.no_price_reason is not None), row.id
    unpriced = {row.id for row in facts.model_offers if row.input_usd_per_mtok is None}

    assert unpriced >= {"gcp/llama-3-1-70b/unstated", "gcp/llama-3-1-8b/unstated"}


def test_cached_and_batch_tokens_cost_no_more_than_plain_ones(facts: files.Facts) -> None:
    for row in facts.model_offers:
        for cheaper, plain in (
            (row.cached_input_usd_per_mtok, row.input_usd_per_mtok),
            (row.batch_input_usd_per_mtok, row.input_usd_per_mtok),
            (row.batch_output_usd_per_mtok, row.output_usd_per_mtok),
        ):
            if cheaper is not None and plain is not None:
                assert cheaper <= plain, row.id


def test_long_prompts_cost_no_less_and_name_their_threshold(facts: files.Facts) -> None:
    for row in facts.model_offers:
        if row.long_context_input_usd_per_mtok is not None and row.input_usd_per_mtok is not None:
            assert row.long_context_input_usd_per_mtok >= row.input_usd_per_mtok, row.id
            assert row.long_context_threshold_tokens is not None, row.id


def test_a_data_zone_or_region_costs_no_less_than_the_global_scope(facts: files.Facts) -> None:
    worldwide = {
        (row.platform, row.family): row.input_usd_per_mtok
        for row in facts.model_offers
        if row.scope == "global" and row.input_usd_per_mtok is not None
    }
    for row in facts.model_offers:
        price = worldwide.get((row.platform, row.family))
        if price is not None and row.scope in ("us", "eu") and row.input_usd_per_mtok is not None:
            assert row.input_usd_per_mtok >= price * Decimal("0.999"), row.id


def test_open_weights_offers_point_to_an_architecture_of_the_same_licence(facts: files.Facts) -> None:
    shapes = {row.id: row for row in facts.architectures}
    linked = [row for row in facts.model_offers if row.architecture_id]

    assert len({row.architecture_id for row in linked}) >= 20
    for row in linked:
        shape = shapes[row.architecture_id]
        assert shape.open_weights, row.id
        assert row.licence_id in (shape.licence_id, "service-terms"), (row.id, shape.licence_id)


def test_a_blank_licence_is_rare_and_said(facts: files.Facts) -> None:
    blank = [row for row in facts.model_offers if row.licence_id is None]

    assert 0 < len(blank) < 0.08 * len(facts.model_offers)
    assert [row.id for row in blank if "licence" not in (row.note or "")] == []


def test_every_licence_is_used(facts: files.Facts) -> None:
    used = {row.licence_id for row in (*facts.architectures, *facts.model_offers)}

    assert {row.id for row in facts.licences} - used == set()


def test_llama_4_is_not_licensed_to_a_company_seated_in_the_european_union(facts: files.Facts) -> None:
    assert "violated" in _verdicts(facts, "llama-4-community", seat="DE", monthly_users=1000)
    assert _verdicts(facts, "llama-4-community", seat="US", monthly_users=1000) == {"met"}
    assert "unknown" in _verdicts(facts, "llama-4-community", monthly_users=1000)


@pytest.mark.parametrize("country", MEMBER_STATES)
def test_each_member_state_is_named_in_the_exclusions(facts: files.Facts, country: str) -> None:
    for licence_id in ("llama-4-community", "llama-3.2-community-vision"):
        assert "violated" in _verdicts(facts, licence_id, seat=country, monthly_users=1)


@pytest.mark.parametrize(
    "licence_id",
    ["llama-2-community", "llama-3-community", "llama-3.1-community", "llama-3.2-community", "llama-3.3-community"],
)
def test_text_llamas_ask_for_a_licence_above_700_million_users(facts: files.Facts, licence_id: str) -> None:
    assert _verdicts(facts, licence_id, monthly_users=700_000_000) == {"met"}
    assert _verdicts(facts, licence_id, monthly_users=700_000_001) == {"violated"}
    assert _verdicts(facts, licence_id, seat="DE") == {"unknown"}


def test_a_revenue_cap_cannot_be_confirmed_without_the_revenue(facts: files.Facts) -> None:
    assert _verdicts(facts, "mistral-modified-mit", seat="US", monthly_users=5) == {"unknown"}


def test_research_licences_are_not_commercial_and_permissive_ones_have_no_conditions(facts: files.Facts) -> None:
    for licence_id in ("mistral-research", "opt-175b-noncommercial", "llama-1-noncommercial"):
        assert _licence(facts, licence_id).commercial_use == "no"
    for licence_id in ("apache-2.0", "mit"):
        assert _licence(facts, licence_id).commercial_use == "yes"
        assert _licence(facts, licence_id).conditions == ()
    for row in facts.licences:
        hard = [condition for condition in row.conditions if condition.severity == "hard"]
        assert (row.commercial_use == "conditional") == bool(hard), row.id


def test_kimis_attribution_is_a_duty_and_no_exclusion(facts: files.Facts) -> None:
    (condition,) = _licence(facts, "kimi-modified-mit").conditions

    assert condition.severity == "soft"
    assert rules.evaluate(rule=condition, facts={"monthly_users": 150_000_000}) == "violated"


def test_vendor_rows_do_not_inherit_what_the_service_says(facts: files.Facts) -> None:
    bedrock = [row for row in facts.model_vendors if row.platform == "Amazon Bedrock"]

    assert len(bedrock) >= 15
    assert {row.fine_tuning for row in bedrock} == {None}
    assert {row.provisioned_throughput for row in bedrock} == {None}
    assert [row.vendor for row in bedrock if row.residency] == ["OpenAI"]
    for row in facts.model_vendors:
        if None in (row.fine_tuning, row.provisioned_throughput, row.residency):
            assert row.note and "verify" in row.note.lower(), row.id


def test_claude_in_foundry_says_that_it_has_no_european_zone(facts: files.Facts) -> None:
    row = next(row for row in facts.model_vendors if row.id == "azure/anthropic")

    assert row.residency and "NO EU data zone" in row.residency
    assert "eu" not in {
        offer.scope for offer in facts.model_offers if offer.provider == "azure" and offer.vendor == "Anthropic"
    }


def test_every_vendor_with_offers_has_a_row_on_its_platform(facts: files.Facts) -> None:
    rows = {(row.provider, row.vendor) for row in facts.model_vendors}
    offered = {
        (row.provider, row.vendor) for row in facts.model_offers if row.platform != "Fireworks on Microsoft Foundry"
    }

    assert offered - rows == set()
