"""What a reader must know before acting on the advice."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from advisor.core import barred, compatibility
from advisor.core.age import LIMITS
from advisor.core.bases import BASIS_TEXT
from advisor.core.case import Case
from advisor.core.constraints import UNKNOWN
from advisor.core.labels import CARRYING
from advisor.core.plan import Choice
from advisor.core.quantity import Sentence, listed, sentence
from advisor.core.roles import Assignment
from advisor.core.stacks import Stack
from advisor.core.undecided import Elsewhere, Rival
from catalog.records import Rule


def warnings(*, assignments: Sequence[Assignment], moment: dt.date, horizon_months: int) -> list[dict[str, Any]]:
    """Return what a reader must know before acting, each with its code and evidence."""
    found: dict[tuple[str, str], dict[str, Any]] = {}

    def warn(code: str, text: Sentence) -> None:
        found.setdefault((code, text["text"]), {"code": code, **text})

    for item in assignments:
        stack, name = item.stack, item.choice.field.stated.name or item.choice.field.workload.id
        if stack is None:
            why = barred.why_none(item.choice)
            warn("no_stack", sentence(f"{name}: {why['text']}.", *why["evidence"]))
            continue
        row = stack.row
        if stack.states.get("rentable") == UNKNOWN:
            warn(
                "not_self_serve",
                sentence(f"{name}: {row['sku']} is not self-serve; announced is not rentable.", row["option_evidence"]),
            )
        _price_warnings(warn, name, stack, moment)
        _evaluation_warning(warn, name, item)
        if stack.counted["value"] is None:
            warn(
                "cost_unknown",
                sentence(
                    f"{name}: the cost of {stack.label} is not known: {stack.monthly['reason']}.",
                    *(stack.monthly["evidence"] or [row["option_evidence"]]),
                ),
            )
        if row["estimable"] and row["estimate_reason"]:
            text = f"{name}: {stack.label}: {row['estimate_reason']}."
            warn("how_estimated", sentence(text, *(row["evidence"] or (row["option_evidence"],))))
        if item.role in CARRYING and item.choice.field.unstated:
            what = listed(item.choice.field.unstated)
            text = f"{name}: of {what} no volume is stated: no total counts any, and each is a lower bound."
            warn("not_counted", sentence(text, f"answer:{item.choice.field.path}.kind"))
        if stack.counted["value"] is not None and row["estimate_kind"] == "assumption":
            warn(
                "assumed",
                sentence(
                    f"{name}: the cost of {stack.label} is scaled from your measurement on other hardware: an "
                    "assumption with a "
                    "wide range, not a measurement.",
                    *stack.monthly["evidence"],
                ),
            )
        for check in item.choice.field.checks:
            if stack.states[check.id] == UNKNOWN and check.id in (
                "latency",
                "ttft",
                "tpot",
                "deadline",
                "certifications",
            ):
                warn(f"unconfirmed_{check.id}", _named(name, check.say(row, UNKNOWN)))
        retires = row.get("retirement_date")
        if (
            isinstance(retires, str)
            and retires
            and dt.date.fromisoformat(retires) <= _months_on(moment, horizon_months)
        ):
            warn(
                "retires",
                sentence(f"{name}: {row['sku']} retires on {retires}, inside your horizon.", row["option_evidence"]),
            )
        for rule in item.choice.field.rules[compatibility.key(row)].warned:
            warn("rule", sentence(f"{name}, {row['sku']}: {rule.message}{_effort(rule)}", f"rule:{rule.id}"))
        for rule in stack.to_confirm:
            text = f"{name}, {row['sku']}: confirm with the provider: {rule.message}"
            warn("confirm", sentence(text, f"rule:{rule.id}"))
    return list(found.values())


def measure_first(*, choice: Choice, rivals: Sequence[Rival], elsewhere: Sequence[Elsewhere]) -> list[Sentence]:
    """Return what to measure before acting: the ``rivals`` of the workload, and its accelerator where it costs less."""
    name = choice.field.stated.name or choice.field.workload.id
    found = [rival.text for rival in rivals if rival.choice is choice]
    found += [place.text for place in elsewhere if place.choice is choice]
    return [sentence(f"{name}: measure first: {text['text'].rstrip('.')}.", *text["evidence"]) for text in found[:3]]


def unpriced_bases(*, case: Case, bases: Sequence[str] | None) -> list[dict[str, Any]]:
    """Return a warning for each way to buy the document names that has no public price on a provider it allows."""
    offers = case.catalog.offers
    known = offers[offers["price_usd_per_hour"].notna()][["provider", "basis"]].drop_duplicates()
    priced = set(zip(known["provider"], known["basis"], strict=True))
    found = []
    for basis in bases or ():
        missing = [name for name in case.said.limits.providers if (name, basis) not in priced]
        if missing and basis in BASIS_TEXT and basis not in ("provisioned_throughput",):
            text = (
                f"{BASIS_TEXT[basis]}: no price is on file on {', '.join(missing)}. It is unpriced there and "
                "replaced by "
                "nothing: ask the provider for a quote."
            )
            found.append({"code": "unpriced_basis", **sentence(text, "answer:constraints.purchase")})
    return found


def _named(name: str, said: Sentence) -> Sentence:
    return sentence(f"{name}: {said['text']}", *said["evidence"])


def _effort(rule: Rule) -> str:
    weeks = rule.effort_weeks
    if weeks is None:
        return ""
    return f" Effort: {weeks.typical:g} weeks ({weeks.low:g} to {weeks.high:g}), a judgement."


def _price_warnings(warn: Any, name: str, stack: Stack, moment: dt.date) -> None:
    row = stack.row
    if row["price_as_of_basis"] == "undated":
        warn(
            "undated_price",
            sentence(
                f"{name}: the price of {row['sku']} comes from an undated source; confirm it.", row["price_evidence"]
            ),
        )
    elif row["price_as_of"]:
        age = (moment - dt.date.fromisoformat(row["price_as_of"])).days
        if age > LIMITS["list price"].days:
            warn(
                "old_price",
                sentence(
                    f"{name}: the price of {row['sku']} is {age} days old (as of {row['price_as_of']}); refresh it.",
                    row["price_evidence"],
                ),
            )


def _evaluation_warning(warn: Any, name: str, item: Assignment) -> None:
    """Warn of a managed family that the team has not shown to be good enough: price and limits cannot show it."""
    family = item.stack.row["family"] if item.stack else ""
    if not isinstance(family, str) or not family:
        return
    model, path = item.choice.field.stated.model, f"{item.choice.field.path}.model"
    entries = list(enumerate(getattr(model, "acceptable", ())))
    found = next(((number, entry) for number, entry in entries if entry.family == family), None)
    if found is None:
        text = f"{name}: you name no family that is good enough; {family} is chosen by price and limits alone. "
        evidence = f"{'default' if model is None else 'answer'}:{path}"
    elif found[1].eval is None:
        text = f"{name}: you name no evaluation of {family}. "
        evidence = f"answer:{path}.acceptable[{found[0]}].family"
    else:
        return
    warn("not_evaluated", sentence(f"{text}Try it on cases of your own before you commit.", evidence))


def _months_on(moment: dt.date, months: int) -> dt.date:
    total = moment.year * 12 + moment.month - 1 + months
    return dt.date(total // 12, total % 12 + 1, min(moment.day, 28))
