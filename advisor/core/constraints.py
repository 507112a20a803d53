"""What a workload's candidates must keep: every constraint is met, missed, or cannot be confirmed.

A check holds its state for all candidates at once (an int8 array) and says a sentence for the few that are shown.
"""

import datetime as dt
import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from advisor.core.bases import BASIS_TEXT
from advisor.core.figures import timed
from advisor.core.quantity import Number, Sentence, number, sentence, titled
from advisor.core.schema import Quota
from estimator.workload import Measured

MET, UNKNOWN, MISSED = 1, 0, -1
STATE_TEXT = {MET: "met", UNKNOWN: "cannot be confirmed", MISSED: "missed"}
States = npt.NDArray[np.int8]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One constraint. ``decisive``: a candidate for which it is unknown stands apart, under "confirm first"."""

    id: str
    title: str
    states: States
    say: Callable[[Row, int], Sentence]
    decisive: bool = False
    slack: Callable[[Row], Number | None] = field(default=lambda row: None)


def three_valued(*, met: Any, known: Any) -> States:
    """Return the states of boolean arrays: ``known & met`` is met, ``known & ~met`` missed, the rest unknown."""
    met, known = np.asarray(met, dtype=bool), np.asarray(known, dtype=bool)
    return np.where(known, np.where(met, MET, MISSED), UNKNOWN).astype(np.int8)


def provider(*, frame: pd.DataFrame, allowed: Sequence[str] | None) -> Check | None:
    """Return the check that only the document's providers are used; None where it names none."""
    if not allowed:
        return None
    names = ", ".join(allowed)

    def say(row: Row, state: int) -> Sentence:
        verb = "is among" if state == MET else "is not among"
        return sentence(f"{row['provider']} {verb} the providers you allow ({names}).", "answer:constraints.providers")

    return Check(
        "provider", "allowed provider", three_valued(met=frame["provider"].isin(list(allowed)), known=True), say
    )


def purchase(*, frame: pd.DataFrame, allowed: Sequence[str] | None) -> Check | None:
    """Return the check that only the document's purchase bases are used; a managed API tier is not one of them."""
    if not allowed:
        return None
    names = ", ".join(BASIS_TEXT.get(basis, basis) for basis in allowed)

    def say(row: Row, state: int) -> Sentence:
        if row["group"] == "api":
            return sentence(
                "A managed API is paid by the token: no way to buy capacity limits it.", row["price_evidence"]
            )
        verb = "is one of" if state == MET else "is not one of"
        text = f"{BASIS_TEXT.get(row['basis'], row['basis'])} {verb} the ways to buy you accept ({names})."
        return sentence(text, "answer:constraints.purchase")

    met = frame["basis"].isin(list(allowed)) | (frame["group"] == "api")
    return Check("purchase", "accepted way to buy", three_valued(met=met, known=True), say)


def rentable(*, frame: pd.DataFrame) -> Check:
    """Return the check that a stack can be had without asking: announced is not rentable."""
    priced = frame["price_usd_per_hour"].notna() | (frame["group"] == "api")
    known = (frame["self_serve"] != "no") & (priced | (frame["self_serve"] == "yes"))

    def say(row: Row, state: int) -> Sentence:
        if state == MET:
            return sentence(f"{row['sku']} stands in the provider's public list.", row["option_evidence"])
        status = row["status"] or "not in the public API"
        text = f"{row['sku']} is not self-serve ({status}): ask the provider for capacity."
        return sentence(text, row["option_evidence"])

    return Check("rentable", "can be rented today", three_valued(met=True, known=known), say, decisive=True)


def priced(*, frame: pd.DataFrame) -> Check:
    """Return the check that a public price is on file and dated; an undated price cannot decide alone."""
    has = (frame["price_usd_per_hour"].notna() | frame["managed_priced"]).to_numpy(dtype=bool)
    dated = ((frame["price_as_of_basis"] != "undated") & (frame["price_doubt"] == "")).to_numpy(dtype=bool)

    def say(row: Row, state: int) -> Sentence:
        if state == MET:
            return sentence(f"Its price is on file as of {row['price_as_of']}.", row["price_evidence"])
        if row["price_doubt"]:
            return sentence(f"Its price is doubtful: {row['price_doubt']}.", row["price_evidence"])
        if row["price_usd_per_hour"] == row["price_usd_per_hour"] or row["managed_priced"]:
            return sentence(
                "Its price comes from an undated source, which cannot decide alone: confirm it.", row["price_evidence"]
            )
        return sentence(f"No price: {row['price_reason'] or 'none is on file'}.", row["price_evidence"])

    return Check("price", "dated public price", three_valued(met=True, known=has & dated), say, decisive=True)


def residency(*, frame: pd.DataFrame, wanted: str | None) -> Check | None:
    """Return the check that processing stays in ``wanted`` (EU, or a country code); a global scope cannot show it."""
    if not wanted:
        return None
    place = wanted.upper()
    there = "the EU" if place == "EU" else place
    if place == "EU":
        met = frame["in_eu"].fillna(False).astype(bool)
    else:
        met = frame["country"].fillna("") == place
    known = frame["region_known"].to_numpy(dtype=bool)

    def say(row: Row, state: int) -> Sentence:
        evidence = ("answer:constraints.residency", row["region_evidence"])
        if state == MET:
            where = f"The scope {row['region']} processes" if row["group"] == "api" else f"{row['region']} lies"
            return sentence(f"{where} in {there}.", *evidence)
        if state == MISSED:
            return sentence(f"{row['region']} lies outside {there}.", *evidence)
        return sentence(
            f"No evidence shows that {row['sku']} ({row['region']}) processes only in {there}: not shown, verify.",
            "answer:constraints.residency",
            row["price_evidence"],
        )

    return Check("residency", f"data stay in {there}", three_valued(met=met, known=known), say, decisive=True)


def certifications(*, frame: pd.DataFrame, wanted: Sequence[str]) -> Check | None:
    """Return the check for certifications: the catalog holds none per service and region, so none is confirmed."""
    if not wanted:
        return None
    names = ", ".join(wanted)

    def say(row: Row, state: int) -> Sentence:
        return sentence(
            f"{names}: no evidence per service, model and region is on file for {row['region']}: not shown, verify.",
            "answer:constraints.certifications",
        )

    return Check("certifications", f"certified: {names}", three_valued(met=True, known=np.zeros(len(frame), bool)), say)


def fits(*, frame: pd.DataFrame) -> Check:
    """Return the check that the model fits the hardware, where the estimator could tell."""
    estimable = frame["estimable"].to_numpy(dtype=bool)
    judged = frame["fits"].notna().to_numpy(dtype=bool) & estimable

    def say(row: Row, state: int) -> Sentence:
        if row["group"] == "api":
            return sentence("A managed API brings its own hardware.", row["option_evidence"])
        if state == MET:
            return sentence(f"The workload fits {row['sku']}.", *row["evidence"])
        text = row["estimate_reason"] or "whether the workload fits is not known"
        return sentence(f"{row['sku']}: {text}.", *(row["evidence"] or (row["option_evidence"],)))

    met = frame["fits"].fillna(False).astype(bool)
    return Check("fits", "fits the hardware", three_valued(met=met, known=judged | (estimable & ~met)), say)


_OF_THE_WORK = ("fits", "deadline", "need_by", "ttft", "tpot", "latency")


def known_to_hold(*, frame: pd.DataFrame, checks: Sequence[Check], path: str) -> Check | None:
    """Return the check that refuses what could not be estimated, where nothing that could be holds the work in time.

    What is unknown of a machine is a reason to confirm it first only as long as some known one does the work. None
    where that is so, or where nothing was estimated.
    """
    owned = (frame["group"] != "api").to_numpy(dtype=bool)
    estimated = owned & frame["estimable"].to_numpy(dtype=bool)
    failed = {check.title: check.states == MISSED for check in checks if check.id in _OF_THE_WORK}
    if not estimated.any() or not failed or not np.any(list(failed.values()), axis=0)[estimated].all():
        return None
    names = " or ".join(title for title, missed in failed.items() if missed[estimated].any())

    def say(row: Row, state: int) -> Sentence:
        if state == MET:
            return sentence("What it takes was estimated, or is the provider's.", row["option_evidence"])
        text = (
            f"{row['sku']} could not be estimated ({row['estimate_reason']}), and each of the {estimated.sum():,} "
            f"candidates that could be misses: {names}."
        )
        return sentence(text, f"answer:{path}.kind", row["option_evidence"])

    met = ~owned | estimated
    return Check("known_to_hold", "known to hold the work", three_valued(met=met, known=True), say)


def at_most(
    *,
    frame: pd.DataFrame,
    id: str,
    title: str,
    column: str,
    limit: float | None,
    unit: str,
    path: str,
    estimated: str = "",
    doubt: str = "",
) -> Check | None:
    """Return the check that the planning value of ``column`` keeps a limit of the document, with its slack.

    Where ``estimated`` names a milder figure than the limit's (a p95 for a p99), keeping it proves nothing: the check
    is then missed or cannot be confirmed, never met. ``doubt`` names the column that says why a figure decides nothing.
    """
    if limit is None:
        return None
    values = (
        frame[f"{column}_typical"].to_numpy(dtype=float)
        if f"{column}_typical" in frame
        else np.full(len(frame), np.nan)
    )
    known = np.isfinite(values)

    def told(value: float) -> str:
        times, own = timed(value, unit)
        return f"{value * times:,.4g} {own}"

    def sources(row: Row) -> tuple[str, ...]:
        own = row.get(f"{column}_evidence", "")
        return (own,) if own else tuple(row["evidence"])

    def say(row: Row, state: int) -> Sentence:
        answer = f"answer:{path}"
        if state == UNKNOWN:
            if not np.isfinite(row.get(f"{column}_typical", np.nan)):
                text = f"{titled(title)}: not estimated for {row['sku']}; measure it before you commit."
                return sentence(text, answer)
            if doubt and row[doubt]:
                shown = f"{told(row[f'{column}_typical'])} by your own probe"
                return sentence(f"{titled(title)}: {shown} decides nothing yet: {row[doubt]}.", answer, *sources(row))
            milder = told(row[f"{column}_typical"])
            kept = f"its {estimated} of {milder} keeps your limit of {limit:,.4g} {unit}"
            return sentence(f"{titled(title)}: {kept}; measure the rest.", answer, *sources(row))
        word = "within" if state == MET else "over"
        by = " by your own probe" if row.get(f"{column}_evidence") else ""
        text = f"{titled(title)}: {told(row[f'{column}_typical'])}{by} is {word} your limit of {limit:,.4g} {unit}"
        if state == MET and row[f"{column}_high"] > limit:
            text += f", but the high end of its range, {told(row[f'{column}_high'])}, is not"
        return sentence(f"{text}.", answer, *sources(row))

    def slack(row: Row) -> Number | None:
        if f"{column}_typical" not in row or not np.isfinite(row[f"{column}_typical"]):
            return None
        return number(
            limit - row[f"{column}_typical"],
            limit - row[f"{column}_high"],
            limit - row[f"{column}_low"],
            unit=unit,
            kind=row.get(f"{column}_kind") or row["estimate_kind"] or "estimate",
            evidence=(*sources(row), f"answer:{path}"),
        )

    states = three_valued(met=values <= limit, known=known)
    if estimated:
        states = np.where(states == MET, UNKNOWN, states).astype(np.int8)
    if doubt:
        states = np.where(frame[doubt].to_numpy(dtype=object) != "", UNKNOWN, states).astype(np.int8)
    return Check(id, title, states, say, slack=slack)


def terms(*, frame: pd.DataFrame, needed_days: Any, continuous: bool, why: str) -> Check:
    """Return the check that the workload fits the terms of each offer.

    ``needed_days`` (scalar or array) is how long capacity must last without a gap; ``continuous`` refuses offers that
    may be taken away in the middle.
    """
    needed = np.broadcast_to(np.asarray(needed_days, dtype=float), (len(frame),))
    longest = frame["max_duration_days"].to_numpy(dtype=float)
    most = frame["max_quantity_count"].to_numpy(dtype=float)
    wanted = frame["instances_count_typical"].to_numpy(dtype=float)
    interruptible = np.array([value is True for value in frame["interruptible"]], dtype=bool)
    too_long = np.isfinite(longest) & np.isfinite(needed) & (needed > longest)
    too_many = np.isfinite(most) & np.isfinite(wanted) & (wanted > most)
    open_length = np.isfinite(longest) & ~np.isfinite(needed)
    missed = too_long | too_many | (interruptible & continuous)

    def say(row: Row, state: int) -> Sentence:
        basis = BASIS_TEXT.get(row["basis"], row["basis"])
        evidence = (f"terms:{row['terms_id']}",) if row["terms_id"] else (row["price_evidence"],)
        if state == MET:
            return sentence(f"The workload fits the terms of {basis}.", *evidence)
        if state == UNKNOWN:
            return sentence(
                f"{basis} runs at most {row['max_duration_days']:g} days; how long this workload runs is not known.",
                *evidence,
            )
        if row["interruptible"] is True and continuous:
            return sentence(f"{basis} may be taken away at any time, and {why}.", *evidence)
        if row["max_quantity_count"] < row["instances_count_typical"]:
            return sentence(
                f"{basis} holds at most {row['max_quantity_count']:g} instances; "
                f"{row['instances_count_typical']:,.0f} are needed.",
                *evidence,
            )
        return sentence(f"{basis} runs at most {row['max_duration_days']:g} days, and {why}.", *evidence)

    states = three_valued(met=~missed, known=~open_length | missed)
    return Check("terms", "fits the terms of the offer", states, say, decisive=True)


def operable(*, frame: pd.DataFrame, engineers: int | None) -> Check:
    """Return the check that somebody can run accelerators of one's own; a managed API and CPUs need nobody special."""
    own = (frame["accelerator"] != "").to_numpy(dtype=bool)
    known = ~own | (engineers is not None)

    def say(row: Row, state: int) -> Sentence:
        if state == MISSED:
            return sentence(
                f"{row['sku']}: accelerators of your own need someone who runs them, and you state 0 such engineers.",
                "answer:team.ml_systems_engineers",
            )
        if state == UNKNOWN:
            return sentence("Whether the team can run accelerators is not stated.", "default:team.ml_systems_engineers")
        return sentence("The team can operate this stack.", row["option_evidence"])

    return Check("operable", "the team can run it", three_valued(met=~own | bool(engineers), known=known), say)


def same_room(*, frame: pd.DataFrame, measured: Measured | None, path: str) -> Check | None:
    """Return the check that other hardware gives a measured job the memory and scale-up domain it was measured in.

    A job known only by its hours on one accelerator may not fit a smaller one: what it needs was not said.
    """
    if measured is None or measured.on is None:
        return None
    same = frame[frame["sku"] == measured.on.split("/")[-1]]
    if same.empty or not same["accelerator"].iloc[0]:
        return None
    memory = float(same["accelerator_memory_gb"].iloc[0])
    domain = float(same["scaleup_domain_accelerators"].iloc[0])
    enough = (frame["accelerator_memory_gb"] >= 0.99 * memory) & (frame["scaleup_domain_accelerators"] >= domain)

    def say(row: Row, state: int) -> Sentence:
        evidence = (f"answer:{path}", row["option_evidence"])
        if state == MET:
            return sentence(
                f"{row['sku']} gives the job at least the memory per accelerator of {measured.on}.", *evidence
            )
        here = row["accelerator_memory_gb"], row["scaleup_domain_accelerators"]
        room = (
            f"{here[0]:.0f} GB with {here[1]:.0f} linked"
            if np.isfinite(here).all()
            else "here, its room not being on file,"
        )
        return sentence(
            f"The job was measured on {measured.on} ({memory:.0f} GB per accelerator, {domain:.0f} linked); whether it "
            f"fits {room} is not known.",
            *evidence,
        )

    return Check("same_room", "room of the measured job", three_valued(met=True, known=enough), say, decisive=True)


def capacity(*, frame: pd.DataFrame, limit: float, source: str, quota: Sequence[Quota] = ()) -> Check:
    """Return the check that a fleet may be had without asking: on demand and spot promise no capacity.

    ``limit`` is the number of accelerators past which it must be asked for, ``source`` the evidence id of that number;
    where the team holds a ``quota`` that covers a stack, the largest such takes its place.
    """
    promised = np.array([value is True for value in frame["capacity_guaranteed"]], dtype=bool)
    total = frame["accelerators_total_typical"].to_numpy(dtype=float)
    limits = np.full(len(frame), limit)
    for own in sorted(quota, key=lambda one: one.accelerators):
        covered = [_covers(own, *place) for place in zip(frame["provider"], frame["region"], frame["sku"], strict=True)]
        limits[covered] = own.accelerators
    known = promised | ~(total > limits)

    def say(row: Row, state: int) -> Sentence:
        own = drawn(row=row, limit=limit, source=source, quota=quota)
        if own.accelerators > own.most:
            text = (
                f"{own.accelerators:,.0f} accelerators in {row['region']} {BASIS_TEXT[row['basis']]} are more than the "
                f"{own.most:,.0f} {own.whose}: "
                + (
                    "this way to buy promises them."
                    if state == MET
                    else "no capacity is promised, so ask for it first."
                )
            )
        elif own.origin == source:
            text = "The fleet is of a size that may be had without asking."
        else:
            text = f"The fleet stays within the {own.most:,.0f} accelerators {own.whose}."
        return sentence(text, row["option_evidence"], own.origin)

    return Check("capacity", "capacity without asking", three_valued(met=True, known=known), say, decisive=True)


class Draw(NamedTuple):
    """The accelerators that a stack takes of what may be had without asking; those of one ``pool`` are had together."""

    pool: str
    accelerators: float
    most: float
    whose: str
    origin: str


def drawn(*, row: Row, limit: float, source: str, quota: Sequence[Quota]) -> Draw:
    """Return what a stack takes of the largest quota that covers it, or else of the ``limit`` for its accelerator."""
    asks = row["accelerators_total_typical"]
    mine = [n for n, one in enumerate(quota) if asks > 0 and _covers(one, row["provider"], row["region"], row["sku"])]
    number = max(mine, key=lambda n: quota[n].accelerators, default=None)
    if number is None:
        pool = f"{row['provider']}/{row['region']}/{row['accelerator']}"
        return Draw(pool, asks, limit, "that may be had without asking", source)
    origin = f"answer:constraints.quota[{number}].accelerators"
    return Draw(origin, asks, quota[number].accelerators, f"of your quota on {row['provider']}", origin)


def _covers(quota: Quota, provider: str, region: str, sku: str) -> bool:
    in_place = quota.provider == provider and quota.region in (None, region)
    return in_place and fnmatch.fnmatch(sku, quota.applies_to)


def need_by(*, frame: pd.DataFrame, date: dt.date | None, moment: dt.date) -> Check | None:
    """Return the check that lead time and one run end by the day on which the work must be done."""
    if date is None:
        return None
    days = (date - moment).days
    lead = frame["lead_time_days"].fillna(0.0).to_numpy(dtype=float)
    run = frame["run_days_typical"].to_numpy(dtype=float)
    takes = lead + np.nan_to_num(run)

    def say(row: Row, state: int) -> Sentence:
        answer = "answer:constraints.need_by"
        if state == UNKNOWN:
            text = (
                f"It must run by {date.isoformat()}, in {days} days; how long delivery and set-up take is not on file."
            )
            return sentence(text, answer)
        word = "fit" if state == MET else "do not fit"
        text = f"Lead time and one run {word} the {days} days until {date.isoformat()}."
        return sentence(text, answer, *row["evidence"])

    return Check(
        "need_by", "done by the day", three_valued(met=takes <= days, known=np.isfinite(run) | (takes > days)), say
    )


def resilience(
    *, frame: pd.DataFrame, availability: float | None, rto_minutes: float | None, rpo_minutes: float | None, path: str
) -> Check | None:
    """Return the check for availability and recovery: the catalog holds no evidence per stack, so none is confirmed."""
    stated = {
        "availability": None if availability is None else f"{availability:g} % availability",
        "rto_minutes": None if rto_minutes is None else f"recovery within {rto_minutes:g} minutes",
        "rpo_minutes": None if rpo_minutes is None else f"a loss of at most {rpo_minutes:g} minutes of data",
    }
    wanted = {name: text for name, text in stated.items() if text}
    if not wanted:
        return None

    def say(row: Row, state: int) -> Sentence:
        fleet = f" The fleet as priced: {row['spare_reason']}." if row["spare_reason"] else ""
        priced = "the provider runs it, and what it promises is not on file. Confirm it, and price a second offer"
        if row["group"] != "api":
            priced = (
                f"one region is priced here and no second one; no evidence per stack is on file.{fleet} Confirm it, "
                "and price a second region"
            )
        return sentence(
            f"{titled(', '.join(wanted.values()))}: {priced} where one is needed.",
            *(f"answer:{path}.{name}" for name in wanted),
        )

    states = three_valued(met=True, known=np.zeros(len(frame), bool))
    return Check("resilience", "availability and recovery", states, say)


def retirement(*, frame: pd.DataFrame, moment: dt.date, need_by: dt.date | None) -> Check:
    """Return the check that a model still runs at ``moment``, and on the day on which the work must run.

    One that retires later, within the horizon, is a warning elsewhere.
    """
    dates = frame["retirement_date"].fillna("").astype(str)
    needed = max(moment, need_by or moment)
    retired = ((dates != "") & (dates <= needed.isoformat())).to_numpy(dtype=bool)

    def say(row: Row, state: int) -> Sentence:
        if state == MET:
            return sentence("Nothing in this stack is retired.", row["option_evidence"])
        if row["retirement_date"] <= moment.isoformat():
            return sentence(f"{row['sku']} was retired on {row['retirement_date']}.", row["option_evidence"])
        return sentence(
            f"{row['sku']} retires on {row['retirement_date']}, and it must run on {needed.isoformat()}.",
            row["option_evidence"],
            "answer:constraints.need_by",
        )

    return Check("retirement", "not retired", three_valued(met=~retired, known=True), say)
