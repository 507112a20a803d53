"""The compatibility rules: examples come out as written, facts are known ones, portable gaps are effort."""

import pytest

from catalog import files, rules

FACTS_HELD = {
    "accelerator",
    "accelerator_vendor",
    "accelerators_count",  # that one job or one replica spans
    "custom_kernels",
    "fabric",
    "fits",
    "frameworks",
    "host_isa",
    "image_arch",
    "in_eu",
    "model_family",
    "networking",
    "nodes_count",  # that one job or one replica spans
    "orchestration",
    "precision",
    "provider",
    "region",
    "residency",
    "residency_required",
    "scope",
    "self_serve",
    "sku",
    "slice_topology_ok",
    "software_stack",
    "storage",
    "task",
    "tensor_parallel",
    "unsupported_ops_count",
    "workload_kind",
}


def _ids(facts: files.Facts, kind: str) -> list[str]:
    return [rule.id for rule in facts.rules if rule.rule_kind == kind]


def test_the_sixty_three_rules_stand_as_predicates_or_questions(facts: files.Facts) -> None:
    compatibility = [rule.id for rule in facts.rules if rule.id.startswith("C")]

    assert compatibility == [f"C{number:03d}" for number in range(1, 64)]
    assert len(_ids(facts, "predicate")) + len(_ids(facts, "confirm")) == len(facts.rules)
    assert len(_ids(facts, "confirm")) == 13


def test_both_examples_of_every_predicate_come_out_as_written(facts: files.Facts) -> None:
    assert [line for rule in facts.rules for line in rules.failing_examples(rule=rule)] == []
    assert [rule.id for rule in facts.rules if rule.rule_kind == "predicate" and rule.examples is None] == []


def test_a_rule_without_any_facts_is_never_violated(facts: files.Facts) -> None:
    for rule in facts.rules:
        assert rules.evaluate(rule=rule, facts={}) == "unknown", rule.id


def test_a_missing_required_fact_leaves_the_rule_open(facts: files.Facts) -> None:
    for rule in facts.rules:
        if rule.examples is None:
            continue
        without = {name: value for name, value in rule.examples.fails.items() if name not in rule.require}
        if set(rule.when) <= set(without):
            assert rules.evaluate(rule=rule, facts=without) == "unknown", rule.id


def test_rules_ask_only_for_facts_that_are_held(facts: files.Facts) -> None:
    asked = {name for rule in facts.rules for name in (*rule.when, *rule.require)}

    assert asked - FACTS_HELD == set()


def _named(rule_conditions: dict[str, object], fact: str) -> set[str]:
    value = rule_conditions.get(fact)
    if isinstance(value, dict):
        value = [item for bound in value.values() for item in (bound if isinstance(bound, list) else [bound])]
    return set(value if isinstance(value, list) else [value] if value is not None else [])


@pytest.mark.parametrize(
    ("fact", "table"),
    [
        ("accelerator", "accelerators"),
        ("networking", "networking"),
        ("storage", "storage"),
        ("orchestration", "orchestration"),
    ],
)
def test_ids_in_rules_exist(facts: files.Facts, fact: str, table: str) -> None:
    known = {row.id for row in getattr(facts, table)} | {"", "none"}
    named = {item for rule in facts.rules for side in (rule.when, rule.require) for item in _named(side, fact)}

    assert named - known == set()


def test_skus_in_rules_exist(facts: files.Facts) -> None:
    known = {row.sku for row in facts.instances} | {"a3-edgegpu-8g"}  # an edge shape that is not in the tables
    named = {item for rule in facts.rules for side in (rule.when, rule.require) for item in _named(side, "sku")}

    assert named - known == set()


def test_rules_of_closed_families_cover_all_closed_families(facts: files.Facts) -> None:
    closed = {row.family for row in facts.model_offers if row.open_weights is False}
    by_id = {rule.id: rule for rule in facts.rules}

    assert _named(by_id["C053"].when, "model_family") == closed
    assert _named(by_id["C056"].when, "model_family") == {
        row.family for row in facts.model_offers if row.vendor == "Anthropic"
    }
    assert _named(by_id["C055"].when, "model_family") == {
        row.family for row in facts.model_offers if row.vendor == "OpenAI" and not row.open_weights
    }


def test_no_offer_contradicts_the_provider_rules_of_the_model_layer(facts: files.Facts) -> None:
    by_id = {rule.id: rule for rule in facts.rules}

    for row in facts.model_offers:
        known = {"model_family": row.family, "provider": row.provider, "workload_kind": "managed_api"}
        for rule_id in ("C053", "C054", "C055", "C056"):
            assert rules.evaluate(rule=by_id[rule_id], facts=known) != "violated", (rule_id, row.id)


def test_no_rentable_shape_contradicts_the_provider_and_software_rules(facts: files.Facts) -> None:
    chips = {row.id: row for row in facts.accelerators}
    by_id = {rule.id: rule for rule in facts.rules}

    for row in facts.instances:
        if row.accelerator is None:
            continue
        known = {
            "provider": row.provider,
            "accelerator": row.accelerator,
            "software_stack": chips[row.accelerator].software_stack,
        }
        for rule_id in ("C001", "C002", "C012", "C013", "C021", "C022"):
            assert rules.evaluate(rule=by_id[rule_id], facts=known) != "violated", (rule_id, row.id)


def test_portable_gaps_are_effort_and_never_exclude(facts: files.Facts) -> None:
    with_effort = [rule for rule in facts.rules if rule.effort_weeks is not None]

    assert {"C003", "C025", "C045", "E001", "E002", "E003", "E004"} <= {rule.id for rule in with_effort}
    for rule in with_effort:
        assert rule.severity == "soft", rule.id
        assert rule.kind == "judgement", rule.id
        assert 0 < rule.effort_weeks.low <= rule.effort_weeks.typical <= rule.effort_weeks.high, rule.id


def test_custom_kernels_on_trainium_warn_with_weeks_of_work(facts: files.Facts) -> None:
    rule = next(rule for rule in facts.rules if rule.id == "C003")

    assert rules.evaluate(rule=rule, facts={"software_stack": "neuron", "custom_kernels": 3}) == "violated"
    assert rule.severity == "soft"
    assert rules.evaluate(rule=rule, facts={"software_stack": "cuda", "custom_kernels": 3}) == "not_applicable"


def test_arm_and_x86_images_together_meet_both_hosts(facts: files.Facts) -> None:
    by_id = {rule.id: rule for rule in facts.rules}
    both = {"image_arch": ["amd64", "arm64"]}

    assert rules.evaluate(rule=by_id["C045"], facts={**both, "host_isa": "arm64"}) == "met"
    assert rules.evaluate(rule=by_id["C046"], facts={**both, "provider": "aws", "accelerator": "trainium2"}) == "met"
    assert rules.evaluate(rule=by_id["C045"], facts={"image_arch": ["amd64"], "host_isa": "x86_64"}) == "not_applicable"


def test_hyperpod_accepts_what_its_enumeration_lists(facts: files.Facts) -> None:
    rule = next(rule for rule in facts.rules if rule.id == "C048")
    base = {"orchestration": "aws-hyperpod", "accelerators_count": 8}

    assert rules.evaluate(rule=rule, facts={**base, "sku": "p5.48xlarge"}) == "met"
    assert rules.evaluate(rule=rule, facts={**base, "sku": "inf2.48xlarge"}) == "violated"
    assert rules.evaluate(rule=rule, facts={**base, "accelerators_count": 0, "sku": "m8g.large"}) == "not_applicable"


def test_the_message_says_something_a_person_can_act_on(facts: files.Facts) -> None:
    for rule in facts.rules:
        assert rule.message.endswith("."), rule.id
        assert len(rule.message.split()) >= 5, rule.id
        if rule.rule_kind == "confirm":
            assert "confirm" in rule.message.lower(), rule.id
