"""The bill of a report: its lines are its total, its months are its horizon, and what is unknown stays in no total."""

import datetime as dt
import re
from pathlib import Path

import pytest

from advisor.core.advise import advise
from advisor.core.document import check, known_from, parse
from advisor.core.record.markdown import markdown
from catalog import files, frame
from estimator import coefficients

MOMENT = dt.date(2026, 11, 23)
EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def advised():
    catalog, known_coefficients = frame.build(facts=files.load(), moment=MOMENT, release=1), coefficients.load()

    def run(name, edit=lambda raw: None):
        raw = parse((EXAMPLES / f"{name}.yaml").read_bytes())
        edit(raw)
        document = check(raw, complete=True, known=known_from(catalog))
        return advise(document=document, catalog=catalog, coefficients=known_coefficients, moment=MOMENT).data

    return run


@pytest.fixture(scope="module")
def served(advised):
    return advised("llm_serving")


@pytest.fixture(scope="module")
def trained(advised):
    return advised("pretraining")


def top(lines):
    return [line for line in lines if line["in_total"] and line["part_of"] is None]


def named(bill, name):
    return next(line for line in bill["lines"] if line["id"] == name)


@pytest.mark.parametrize("name", ["served", "trained"])
def test_the_lines_add_up_to_the_month_and_to_the_horizon(name, request):
    totals = request.getfixturevalue(name)["plan"]["totals"]

    for end in ("value", "low", "high"):
        month = sum(line["monthly_usd"][end] for line in top(totals["lines"]))
        whole = sum(line["horizon_usd"][end] for line in top(totals["lines"]))
        assert month == pytest.approx(totals["monthly_usd"][end], rel=1e-4)
        assert whole == pytest.approx(totals["horizon_usd"][end], rel=1e-4)


def test_the_months_follow_the_ramp_and_end_at_the_horizon(advised):
    def grow(raw):
        raw["horizon"] = {"months": 12, "ramp": "linear"}

    totals = advised("pretraining", grow)["plan"]["totals"]
    months = totals["months"]
    grows = sum(named(totals, name)["monthly_usd"]["value"] for name in ("compute", "egress"))
    stays = totals["monthly_usd"]["value"] - grows

    assert [row["month"] for row in months] == list(range(1, 13))
    assert months[2]["usd"]["value"] == pytest.approx(grows * 3 / 12 + stays, rel=1e-4)
    assert months[-1]["usd"]["value"] == pytest.approx(totals["monthly_usd"]["value"], rel=1e-4)
    assert months[-1]["cumulative_usd"]["value"] == totals["horizon_usd"]["value"]
    assert months[-1]["cumulative_usd"]["value"] == pytest.approx(grows * 6.5 + stays * 12, rel=1e-4)


def test_committed_machines_say_how_they_follow_the_ramp(advised):
    def commit(raw):
        raw["constraints"] |= {"purchase": ["commitment_1y"], "providers": None, "residency": None}
        raw["team"]["accelerators"] = ["tpu"]
        raw["horizon"] = {"months": 12, "ramp": "linear"}

    line = named(advised("finetuning", commit)["workloads"][0]["bill"], "compute")

    assert line["title"] == "Compute, commitments bought as the load grows"
    assert line["horizon_usd"]["value"] == pytest.approx(6.5 * line["monthly_usd"]["value"], rel=1e-4)


def test_every_workload_has_its_bill(served):
    workload = served["workloads"][0]
    bill, recommended = workload["bill"], workload["recommended"]

    assert bill["months"][-1]["usd"]["value"] == pytest.approx(recommended["numbers"]["monthly_usd"]["value"], rel=1e-4)
    assert {line["id"] for line in bill["lines"]} >= {"compute", "idle", "storage", "egress", "orchestration"}


def test_experiments_are_part_of_compute_and_not_beside_it(trained):
    totals = trained["plan"]["totals"]
    compute, runs, tries = (named(totals, name)["monthly_usd"]["value"] for name in ("compute", "runs", "experiments"))

    assert named(totals, "experiments")["part_of"] == "compute"
    assert runs + tries == pytest.approx(compute, rel=1e-4)
    assert tries == pytest.approx(runs / 2, rel=1e-4)  # the example states an overhead of 0.5


def test_checkpoints_are_priced_as_the_stored_data_are(trained):
    numbers = trained["workloads"][0]["recommended"]["numbers"]
    storage, checkpoints = numbers["storage_usd"], numbers["checkpoint_usd"]

    # 120 TB are stored; five checkpoints of 14 bytes for each of 35e9 parameters are about 2.5 TB
    assert checkpoints["value"] / storage["value"] == pytest.approx(2.47 / 120, rel=0.02)
    assert set(storage["evidence"]) & set(checkpoints["evidence"])
    assert checkpoints["kind"] == "assumption"
    assert "2.47 TB of checkpoints" in checkpoints["reason"]


def test_what_has_no_price_on_file_is_named_and_in_no_total(served):
    support = named(served["plan"]["totals"], "support")

    assert support["monthly_usd"]["value"] is None
    assert "not on file" in support["monthly_usd"]["reason"]
    assert not support["in_total"]


def test_a_volume_nobody_stated_is_unknown_and_not_free(advised):
    def forget(raw):
        del raw["workloads"][0]["data"]["stored_tb"]

    totals = advised("llm_serving", forget)["plan"]["totals"]
    storage = named(totals, "storage")

    assert storage["monthly_usd"]["value"] is None
    assert "data.stored_tb is not stated" in storage["monthly_usd"]["reason"]
    assert storage["in_total"]
    for name in ("monthly_usd", "horizon_usd"):
        assert totals[name]["value"] is None
        assert totals[name]["low"] > 0
        assert "data.stored_tb is not stated" in totals[name]["reason"]
    assert totals["months"][0]["usd"]["value"] is None


def test_what_nobody_stated_leaves_the_order_as_it_is_and_is_named(advised):
    def forget(raw):
        raw["workloads"][0]["data"] = {}

    whole, less = advised("llm_serving"), advised("llm_serving", forget)

    assert less["workloads"][0]["recommended"]["id"] == whole["workloads"][0]["recommended"]["id"]
    assert less["workloads"][0]["recommended"]["standing"] == "ranked"
    headline = less["decision"]["headline"]["text"]
    assert "The plan costs at least $" in headline
    assert "on top, stored data and data leaving the cloud, of which no volume is stated" in headline
    assert [one["text"] for one in less["warnings"] if one["code"] == "not_counted"] == [
        "Chat: of stored data and data leaving the cloud no volume is stated: no total counts any, and each is a lower "
        "bound."
    ]
    (budget,) = [row for row in less["constraints"]["checks"] if row["id"] == "budget"]
    assert budget["state"] == "cannot be confirmed"
    (stack,) = [one for one in less["coupling"]["stacks"] if one["role"] == "baseline"]
    assert stack["leaving"]["data_usd"]["ordinary_transfer"]["value"] is None


def test_known_parts_over_the_budget_miss_it_whatever_else_is_unknown(advised):
    def tight(raw):
        raw["workloads"][0]["data"] = {}
        raw["constraints"]["budget_usd_per_month"] = 20_000

    data = advised("llm_serving", tight)

    assert not data["decision"]["feasible"]


def test_data_that_are_there_already_need_no_move(advised):
    def stand_there(raw):
        raw["constraints"]["providers"] = ["aws"]
        raw["workloads"][0]["data"]["located_in"] = "aws:us-east-1"

    def move(data):
        return named(data["plan"]["totals"], "migration")["horizon_usd"]

    near, far = advised("llm_serving", stand_there), advised("llm_serving")

    assert near["workloads"][0]["recommended"]["region"] == "us-east-1"
    assert move(near)["value"] == 0
    # 2 TB leave us-central1 once: 1,750 GB and more of them are billed
    assert 100 < move(far)["value"] < 400


def test_a_port_costs_the_weeks_it_is_judged_to_take(served):
    pilot = next(item for item in served["plan"]["assignments"] if item["role"] == "pilot")
    staff = pilot["numbers"]["port_usd"]

    assert staff["kind"] == "assumption"
    assert staff["value"] == pytest.approx(4000 * float(staff["reason"].split()[0]))
    assert named(served["plan"]["totals"], "port")["horizon_usd"]["value"] == staff["value"]


def test_energy_and_carbon_stand_on_power_rating_and_region(served):
    numbers = served["workloads"][0]["recommended"]["numbers"]
    provider, region = (served["workloads"][0]["recommended"][name] for name in ("provider", "region"))

    assert "coefficient:carbon.load_power_fraction" in numbers["energy_kwh_per_month"]["evidence"]
    assert f"region:{provider}/{region}" in numbers["carbon_kg_per_month"]["evidence"]
    assert served["plan"]["totals"]["carbon_kg_per_month"]["value"] == numbers["carbon_kg_per_month"]["value"]


def test_unknown_power_is_told_and_not_clean(served):
    pilot = next(item["stack"] for item in served["plan"]["assignments"] if item["role"] == "pilot")

    assert pilot["provider"] == "gcp"
    assert pilot["numbers"]["energy_kwh_per_month"]["value"] is None
    assert "no power rating" in pilot["numbers"]["carbon_kg_per_month"]["reason"]


def test_a_target_of_three_nines_is_priced_in_three_zones_and_said(advised, served):
    def relaxed(raw):
        raw["workloads"][0]["targets"]["availability"] = 99.5

    here = served["workloads"][0]["recommended"]["numbers"]
    own = [stack for stack in advised("llm_serving", relaxed)["workloads"][0]["best_by_path"] if stack["layout"]]
    one_zone = next(stack for stack in own if stack["standing"] == "ranked")["numbers"]

    assert here["instances_count"]["value"] % 3 == 0
    assert "3 equal zones" in here["spare_instances_count"]["reason"]
    assert "stands by" in one_zone["spare_instances_count"]["reason"]
    assert one_zone["idle_usd_per_month"]["value"] < here["idle_usd_per_month"]["value"]
    told = next(one for one in served["constraints"]["checks"] if one["id"] == "resilience")
    assert "3 equal zones" in told["text"]["text"]


def test_narrower_weights_are_told_beside_the_plan_and_not_planned_with(advised, served):
    workload = served["workloads"][0]
    told, planned = workload["narrower_weights"], workload["recommended"]

    assert planned["layout"].endswith("BF16 weights")
    assert told["format"] == "FP8"
    assert told["compute_usd"]["value"] <= planned["numbers"]["compute_usd"]["value"]
    saved = planned["numbers"]["compute_usd"]["value"] - told["compute_usd"]["value"]
    assert told["saving_usd"]["value"] == pytest.approx(saved)
    assert "only an evaluation of your own can tell" in told["text"]["text"]
    assert told["text"]["text"].split(",")[0] in markdown(served)


def test_no_format_is_told_beside_a_model_published_in_it(advised):
    def narrow(raw):
        raw["workloads"][0]["model"] = "gpt-oss-120b"

    assert "narrower_weights" not in advised("llm_serving", narrow)["workloads"][0]


def test_the_record_holds_the_bill_and_an_older_report_still_renders(served):
    record = markdown(served)
    older = {**served, "plan": {**served["plan"], "totals": {**served["plan"]["totals"], "lines": []}}}

    assert "### Costs" in record
    assert re.search(r"Provider support plan[^|]*\| unknown", record)
    assert "Summed up" in record
    assert "Provider support plan" not in markdown(older)


def test_a_service_never_costs_less_than_its_smallest_fleet(served):
    months, compute = served["plan"]["totals"]["months"], named(served["plan"]["totals"], "compute")
    numbers = served["workloads"][0]["recommended"]["numbers"]
    least = 3 * 730 * numbers["price_usd_per_hour"]["value"]  # one instance in each of three zones

    assert numbers["instances_count"]["value"] == 3
    assert months[0]["usd"]["value"] >= least
    assert compute["horizon_usd"]["value"] == pytest.approx(12 * least, rel=1e-4)
    assert compute["horizon_usd"]["reason"] == "never less than the smallest fleet"
    idle = named(served["plan"]["totals"], "idle")
    useful = compute["monthly_usd"]["value"] - idle["monthly_usd"]["value"]
    assert compute["horizon_usd"]["value"] - idle["horizon_usd"]["value"] == pytest.approx(6.5 * useful, rel=1e-3)


def test_what_is_paid_by_the_token_follows_the_load_from_nothing(advised):
    def grow(raw):
        raw["horizon"] = {"months": 12, "ramp": "linear"}

    data = advised("small_team", grow)

    compute = named(data["plan"]["totals"], "compute")
    assert compute["horizon_usd"]["value"] == pytest.approx(6.5 * compute["monthly_usd"]["value"], rel=1e-4)
