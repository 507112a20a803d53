"""The door to training: the best layout of a run on each system and number of accelerators."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimator.architecture import Architecture
from estimator.coefficients import Coefficients
from estimator.goodput import checkpoint_hours, goodput_fraction, mean_hours_between_failures
from estimator.hardware import Hardware, from_frame
from estimator.layouts import Choices, Layouts, enumerate_layouts, join
from estimator.presets import (
    Links,
    Physics,
    Stack,
    allowed_pipelines,
    allowed_recompute,
    allowed_shardings,
    attention_key,
    choose_stack,
    coefficient_key,
    gemm_key,
    interval_class,
    links_of,
    physics_of,
    values_of,
)
from estimator.step import Shape, fill_memory, shape_of, step_seconds

Floats = NDArray[np.float64]

NORMAL_80 = 1.2816  # standard deviations from the median to the ends of an 80 % interval

COLUMNS = (
    "hardware_row",
    "accelerators_total",
    "fits",
    "reason",
    "layout",
    "step_time_s_low",
    "step_time_s_typical",
    "step_time_s_high",
    "planning_step_time_s_low",
    "planning_step_time_s_typical",
    "planning_step_time_s_high",
    "tuned_tokens_per_s_low",
    "tuned_tokens_per_s_typical",
    "tuned_tokens_per_s_high",
    "tokens_per_s_low",
    "tokens_per_s_typical",
    "tokens_per_s_high",
    "mfu_fraction_low",
    "mfu_fraction_typical",
    "mfu_fraction_high",
    "memory_gb_per_accelerator",
    "memory_headroom_fraction",
    "goodput_fraction_low",
    "goodput_fraction_typical",
    "goodput_fraction_high",
    "global_batch_tokens",
    "evidence",
)


@dataclass(frozen=True)
class Training:
    """One run. ``estimator.workload.Training`` has the same names and serves as well."""

    tokens: float | None = None
    global_batch_tokens: float | None = None
    sequence_length: int | None = None
    precision: str | None = None
    method: str | None = None


def estimate_training(
    *,
    architecture: Architecture,
    training: Any,
    hardware: pd.DataFrame,
    accelerators_total: Any,
    coefficients: Coefficients,
) -> pd.DataFrame:
    """Return, per hardware row and candidate number of accelerators, the fastest layout that fits.

    ``hardware`` has the hardware columns of the offers frame, one row a distinct system. ``accelerators_total`` is one
    candidate per row (1-D, as long as the frame), several (2-D, rows × candidates, 0 = none) or None = a ladder of
    whole
    nodes. Columns: ``COLUMNS``; ``hardware_row`` is the position of the row. ``tuned_*`` and ``step_time_s_*`` are what
    published, tuned runs reach; ``tokens_per_s_*`` and ``planning_*`` what a typical team reaches; neither holds
    goodput.
    ``low``/``high`` span 80 %. What cannot be estimated is NaN with a ``reason``. Source: docs/model.md.
    """
    systems = from_frame(hardware, coefficients=coefficients)
    counts = _candidates(systems=systems, given=accelerators_total)
    method = str(training.method or "full")
    sequence = int(training.sequence_length or min(8192, architecture.context_max_tokens or 8192))
    batch_tokens = float(training.global_batch_tokens or coefficients.get("training.default_global_batch_tokens").value)
    sequences = max(round(batch_tokens / sequence), 1)
    precision = str(training.precision or "bf16")
    stacks = [choose_stack(vendor=str(name), precision=precision) for name in systems.vendor]
    reasons = [_why_not(systems=systems, position=i, stack=stack) for i, stack in enumerate(stacks)]
    pairs = [(row, int(count)) for row in range(len(systems)) for count in counts[row]]
    alone = np.isnan(systems.fabric_bytes_per_s)  # an instance whose network nobody states can only train by itself
    counts = [
        [count for count in counts[row] if not alone[row] or count <= systems.node_accelerators[row]]
        for row in range(len(systems))
    ]
    best = Best.none(len(pairs))
    if not all(reasons):
        physics = physics_of(values=values_of(coefficients), hardware=systems, stacks=stacks)
        links = links_of(systems)
        shape = shape_of(architecture=architecture, sequence_length=sequence, method=method)
        done: dict[Any, list[int]] = {}
        for row in range(len(systems)):
            mine = [position for position, (other, count) in enumerate(pairs) if other == row and count in counts[row]]
            if reasons[row] or not mine:
                continue
            one, wires = physics.take(row), links.take(row)
            same = (one.key(), wires.key(), tuple(counts[row]), replace(stacks[row], precision=""))
            if same in done:  # the same chip on the same links, sold under another name
                best.copy(source=done[same], target=mine)
                continue
            done[same] = mine
            tables = [
                _layout_table(
                    architecture,
                    count,
                    sequences,
                    sequence,
                    int(systems.domain_accelerators[row]),
                    int(systems.node_accelerators[row]),
                    replace(stacks[row], precision=""),
                )
                for count in counts[row]
            ]
            search(best=best, positions=mine, tables=tables, shape=shape, physics=one, links=wires)
    best.seconds *= coefficients.get("training.search_regret").value  # the fastest of many estimates is too fast
    return _frame(
        architecture=architecture,
        method=method,
        sequence=sequence,
        pairs=pairs,
        reasons=reasons,
        stacks=stacks,
        systems=systems,
        best=best,
        coefficients=coefficients,
    )


DOES_NOT_FIT = "does not fit"  # how the reason of a verdict begins
CHUNK = 16384  # layouts evaluated at once: the arrays of one pass stay in the processor's cache


@dataclass
class Best:
    """The fastest layout found so far of each pair of system and count; NaN seconds = none fits."""

    seconds: Floats
    sequences: Floats
    memory_bytes: Floats
    least_bytes: Floats
    layout: list[str]

    @classmethod
    def none(cls, count: int) -> "Best":
        """Return a record in which nothing fits yet."""
        blank = [np.full(count, np.nan) for _ in range(4)]
        return cls(
            seconds=blank[0], sequences=blank[1], memory_bytes=blank[2], least_bytes=blank[3], layout=[""] * count
        )

    def copy(self, *, source: Sequence[int], target: Sequence[int]) -> None:
        """Give the pairs ``target`` what the pairs ``source`` found."""
        for values in (self.seconds, self.sequences, self.memory_bytes, self.least_bytes):
            values[list(target)] = values[list(source)]
        for there, here in zip(target, source, strict=True):
            self.layout[there] = self.layout[here]


def search(
    *, best: Best, positions: Sequence[int], tables: Sequence[Layouts], shape: Shape, physics: Physics, links: Links
) -> None:
    """Fill ``best`` at ``positions`` with the fastest fitting layout of each table: memory first, time for what
    fits."""
    layouts = join(tables)
    owner = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    for start in range(0, len(layouts), CHUNK):
        part = slice(start, start + CHUNK)
        filled, needed = fill_memory(
            shape=shape, layout=layouts.take(part), physics=physics, memory_bytes=links.memory_bytes
        )
        mine = owner[part]
        least = np.full(len(tables), np.nan)
        np.fmin.at(least, mine, needed)
        for number, position in enumerate(positions):
            best.least_bytes[position] = np.fmin(best.least_bytes[position], least[number])
        fitting = np.flatnonzero(needed <= links.memory_bytes)
        if not len(fitting):
            continue
        survivors = filled.take(fitting)
        seconds = step_seconds(shape=shape, layout=survivors, physics=physics, links=links)["total"]
        sequences = survivors.data * survivors.micro_batch * survivors.micro_batches
        # a rounded batch changes the tokens of a step: compare time per sequence
        order = np.lexsort((seconds / sequences, mine[fitting]))
        first = order[np.r_[True, np.diff(mine[fitting][order]) > 0]]
        for at in first:
            position = positions[int(mine[fitting][at])]
            pace = best.seconds[position] / best.sequences[position]
            if not seconds[at] / sequences[at] >= pace:
                best.seconds[position], best.sequences[position] = seconds[at], sequences[at]
                best.memory_bytes[position] = needed[fitting][at]
                best.layout[position] = survivors.name(int(at))


@lru_cache(maxsize=4096)
def _layout_table(
    architecture: Architecture, accelerators: int, sequences: int, sequence: int, domain: int, node: int, stack: Stack
) -> Layouts:
    return enumerate_layouts(
        architecture=architecture,
        accelerators=accelerators,
        global_batch_sequences=sequences,
        sequence_length=sequence,
        domain=domain,
        node=node,
        choices=Choices(
            pipeline=allowed_pipelines(stack), recompute=allowed_recompute(stack), sharding=allowed_shardings(stack)
        ),
        round_batch=True,
    )


def _candidates(*, systems: Hardware, given: Any) -> list[list[int]]:
    if given is None:
        nodes = np.where(systems.domain_accelerators > 64, 4, systems.node_accelerators).astype(int)
        return [[int(node * 2**power) for power in range(13) if node * 2**power <= 16384] for node in nodes]
    table = np.asarray(given)
    if table.ndim == 1:
        table = table[:, None]
    if len(table) != len(systems):
        raise ValueError(f"accelerators_total has {len(table)} rows, hardware has {len(systems)}")
    return [[int(count) for count in line if np.isfinite(count) and count > 0] for line in table]


def _why_not(*, systems: Hardware, position: int, stack: Stack) -> str:
    name = str(systems.accelerator[position])
    if not name:
        return "no accelerator: training is not estimated on CPUs"
    if stack.precision not in systems.peak_flops:
        return f"precision {stack.precision!r} is not modelled"
    if np.isnan(systems.peak_flops[stack.precision][position]):
        return f"{name} has no published {stack.precision} rate"
    if np.isnan(systems.memory_bytes[position]) or np.isnan(systems.memory_bytes_per_s[position]):
        return f"memory size or bandwidth of {name} is not published"
    return ""


def _frame(
    *,
    architecture: Architecture,
    method: str,
    sequence: int,
    pairs: Sequence[tuple[int, int]],
    reasons: Sequence[str],
    stacks: Sequence[Stack],
    systems: Hardware,
    best: Best,
    coefficients: Coefficients,
) -> pd.DataFrame:
    row = np.array([pair[0] for pair in pairs], dtype=int)
    count = np.array([pair[1] for pair in pairs], dtype=float)
    fits = ~np.isnan(best.seconds)
    batch = best.sequences * sequence
    rate = batch / best.seconds
    spread, interval_key = _spread(systems=systems, stacks=stacks, coefficients=coefficients)
    factor = _planning(systems=systems, row=row, count=count, coefficients=coefficients)
    tuned = np.exp(NORMAL_80 * spread[row])
    planned = np.exp(np.sqrt(np.log(tuned) ** 2 + np.log(factor["high"] / factor["low"]) ** 2 / 4))
    nominal = [systems.peak_flops.get(stack.precision, systems.peak_flops["bf16"])[i] for i, stack in enumerate(stacks)]
    peak = np.array(nominal)[row] * count
    flops = architecture.training_flops_per_token(context_tokens=sequence, lora=method in ("lora", "qlora"))
    goodput = _goodput(architecture=architecture, systems=systems, row=row, count=count, coefficients=coefficients)
    why = [
        reasons[i] or ("" if ok else _no_fit(best=best, position=k, systems=systems, row=i, count=count[k]))
        for k, (i, ok) in enumerate(zip(row, fits, strict=True))
    ]
    columns: dict[str, Any] = {
        "hardware_row": row,
        "accelerators_total": count.astype(int),
        "fits": fits,
        "reason": why,
    }
    columns["layout"] = best.layout
    columns |= _three("step_time_s", best.seconds, best.seconds / tuned, best.seconds * tuned)
    slow = best.seconds / factor["typical"]
    columns |= _three("planning_step_time_s", slow, slow / planned, slow * planned)
    columns |= _three("tuned_tokens_per_s", rate, rate / tuned, rate * tuned)
    usual = rate * factor["typical"]
    columns |= _three("tokens_per_s", usual, usual / planned, np.minimum(usual * planned, rate * tuned))
    share = rate * flops / peak
    columns |= _three("mfu_fraction", share, share / tuned, np.minimum(share * tuned, 1.0))
    columns["memory_gb_per_accelerator"] = best.memory_bytes / 1e9
    columns["memory_headroom_fraction"] = 1 - best.memory_bytes / systems.memory_bytes[row]
    columns |= {f"goodput_fraction_{name}": np.where(fits, values, np.nan) for name, values in goodput.items()}
    columns["global_batch_tokens"] = batch
    per_row = _evidence(systems=systems, stacks=stacks, coefficients=coefficients, interval_key=interval_key)
    columns["evidence"] = [((f"architecture:{architecture.id}",) if architecture.id else ()) + per_row[i] for i in row]
    return pd.DataFrame(columns)[list(COLUMNS)]


def _three(name: str, typical: Floats, low: Floats, high: Floats) -> dict[str, Floats]:
    return {f"{name}_low": low, f"{name}_typical": typical, f"{name}_high": high}


def _no_fit(*, best: Best, position: int, systems: Hardware, row: int, count: float) -> str:
    least = best.least_bytes[position]
    if np.isnan(systems.fabric_bytes_per_s[row]) and count > systems.node_accelerators[row]:
        return "the network between instances is not published"
    if np.isnan(least):
        return "no layout divides this number of accelerators, batch and model evenly"
    return (
        f"{DOES_NOT_FIT}: the leanest layout needs {least / 1e9:.0f} GB per accelerator, "
        f"{systems.accelerator[row]} has {systems.memory_bytes[row] / 1e9:.0f} GB"
    )


def _spread(*, systems: Hardware, stacks: Sequence[Stack], coefficients: Coefficients) -> tuple[Floats, list[str]]:
    """Standard deviation of ln(time) of each system, by what published results have seen of it."""
    keys = [
        interval_class(family=str(systems.family[i]), stack=stack, coefficients=coefficients)
        for i, stack in enumerate(stacks)
    ]
    return np.array([coefficients.get(key).value for key in keys]), keys


def _planning(
    *, systems: Hardware, row: NDArray[np.int64], count: Floats, coefficients: Coefficients
) -> dict[str, Floats]:
    """Typical-team share of the tuned rate: by vendor stack, fabric and scale."""
    doublings = np.log2(np.maximum(count / 64, 1.0))
    across = (count > systems.domain_accelerators[row]) & ~systems.fabric_is_rdma[row]
    ethernet = coefficients.get("training.typical_fabric.ethernet")
    scale = coefficients.get("training.typical_scale_per_doubling")
    found: dict[str, Floats] = {}
    for name, field, against in (("typical", "value", "value"), ("low", "low", "high"), ("high", "high", "low")):
        team = np.array([getattr(_team(str(vendor), coefficients), field) for vendor in systems.vendor])[row]
        loss = getattr(scale, against) * doublings
        found[name] = team * np.where(across, getattr(ethernet, field), 1.0) * np.exp(-loss)
    return found


def _team(vendor: str, coefficients: Coefficients) -> Any:
    key = f"training.typical_team.{vendor}"
    return coefficients.get(key if key in coefficients else "training.typical_team.other")


def _goodput(
    *, architecture: Architecture, systems: Hardware, row: NDArray[np.int64], count: Floats, coefficients: Coefficients
) -> dict[str, Floats]:
    """Goodput from failures, restart and checkpoints; low takes every bad end, high every good one."""
    found: dict[str, Floats] = {}
    nodes = np.maximum(count / np.minimum(systems.node_accelerators[row], 16), 1.0)
    for name, bad, good in (("low", "high", "low"), ("typical", "value", "value"), ("high", "low", "high")):

        def pick(key: str, field: str) -> float:
            return float(getattr(coefficients.get(f"training.{key}"), field))

        written = architecture.params() * pick("checkpoint_bytes_per_param", bad)
        checkpoint = checkpoint_hours(
            state_bytes=written, storage_bytes_per_s=pick("checkpoint_gb_per_s_per_node", good) * 1e9 * nodes
        )
        found[name] = goodput_fraction(
            checkpoint_hours=checkpoint,
            mean_hours_between_failures=mean_hours_between_failures(
                accelerators=count, failures_per_accelerator_year=pick("failures_per_accelerator_year", bad)
            ),
            restart_hours=pick("restart_minutes", bad) / 60,
        )
    return found


def _evidence(
    *, systems: Hardware, stacks: Sequence[Stack], coefficients: Coefficients, interval_key: Sequence[str]
) -> list[tuple[str, ...]]:
    values = values_of(coefficients)
    found = []
    for i, stack in enumerate(stacks):
        family, vendor = str(systems.family[i]), str(systems.vendor[i])
        keys = [
            gemm_key(values, family=family, vendor=vendor, precision=stack.precision),
            coefficient_key(values, "gemm_reread", (vendor, "other")),
            attention_key(values, family=family, vendor=vendor, stack=stack),
            coefficient_key(values, "elementwise", (stack.preset, "other")),
            coefficient_key(values, "fabric_efficiency", (vendor, "other"))
            if systems.fabric_is_rdma[i]
            else "fabric_efficiency.ethernet",
            f"typical_team.{vendor}" if f"typical_team.{vendor}" in values else "typical_team.other",
            "search_regret",
            "failures_per_accelerator_year",
            interval_key[i].removeprefix("training."),
        ]
        accelerator = (f"accelerator:{systems.accelerator[i]}",) if systems.accelerator[i] else ()
        found.append(accelerator + tuple(f"coefficient:training.{key}" for key in keys))
    return found
