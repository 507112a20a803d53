"""The estimator's cases of `manage.py bench`: training, inference, the page over three clouds, published results."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from advisor.management.stopwatch import Case
from catalog.frame import Catalog
from estimator import inference, score, serving_step, training
from estimator.architecture import Architecture, from_row
from estimator.coefficients import Coefficients
from estimator.estimate import estimate
from estimator.hardware import from_frame
from estimator.layouts import (
    FULL,
    NONE,
    REPLICATED,
    SELECTIVE,
    ZERO1,
    ZERO2,
    ZERO3,
    Choices,
    Layouts,
    enumerate_layouts,
)
from estimator.presets import Links, Physics, choose_stack, links_of, physics_of, values_of
from estimator.step import Shape, fill_memory, shape_of, step_seconds
from estimator.workload import Horizon, Targets, Traffic, Training, Workload

PUBLISHED = Path(score.__file__).parent / "data"
MODELS = ("llama-3.1-8b", "llama-3-70b", "gpt-3-175b", "mixtral-8x22b", "deepseek-v3", "llama-3.1-405b")
CLUSTERS = (128, 1024)
BATCH_SEQUENCES = 1024
SERVED = Traffic(requests_per_s_mean=20, peak_factor=2, input_tokens=1500, output_tokens=300)


@dataclass(frozen=True)
class World:
    """What the cases work on."""

    catalog: Catalog
    coefficients: Coefficients

    def architecture(self, name: str) -> Architecture:
        """Return an architecture of the catalog."""
        table = self.catalog.architectures
        return from_row({str(key): value for key, value in table[table["id"] == name].iloc[0].items()})

    def accelerated(self) -> pd.DataFrame:
        """Return the offers that have accelerators."""
        offers = self.catalog.offers
        return offers[offers["accelerator"] != ""].reset_index(drop=True)

    def skus(self) -> pd.DataFrame:
        """Return one row of each SKU with accelerators, at its lowest on-demand price of all regions."""
        offers = self.accelerated().sort_values("price_usd_per_hour", kind="stable")
        on_demand = (offers["basis"] != "on_demand").to_numpy()
        offers = offers.iloc[np.argsort(on_demand, kind="stable")]
        return offers.drop_duplicates(["provider", "sku"]).reset_index(drop=True)


# --- training --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Space:
    """The layouts of one model on one system, a table per cluster size."""

    tables: tuple[Layouts, ...]
    shape: Shape
    physics: Physics
    links: Links
    usd_per_accelerator_second: float

    def __len__(self) -> int:
        return sum(len(table) for table in self.tables)


def training_cases(world: World) -> list[Case]:
    """Return the cases of training: a mixed space as it is searched, and the same with nothing left out."""
    spaces = mixed_spaces(world)
    about = f"{len(spaces)} pairs of model and system × {len(CLUSTERS)} cluster sizes"
    return [
        Case(
            id="training.searched",
            title="training, mixed space: memory of every layout, time of those that fit, cost of the best",
            unit="evaluations/s",
            action=lambda: _searched(spaces),
            target=1e6,
            runs=5,
            note=about,
        ),
        Case(
            id="training.full",
            title="training, the same space: memory, time and cost of every layout, nothing left out",
            unit="evaluations/s",
            action=lambda: _evaluated(spaces),
            target=1e6,
            runs=5,
            note=about,
        ),
        Case(
            id="training.from_nothing",
            title="training, the same space: layouts listed anew, then searched",
            unit="evaluations/s",
            action=lambda: _searched(mixed_spaces(world)),
            runs=3,
            warm=0,
            note=about,
        ),
    ]


def mixed_spaces(world: World) -> list[Space]:
    """Return every model on every system that the catalog can tell apart, with all layouts of each cluster size."""
    skus = world.skus()
    skus = skus[(skus["trains"] != "no") & skus["accelerators_count"].ge(1)].reset_index(drop=True)
    systems = from_frame(skus, coefficients=world.coefficients)
    stacks = [choose_stack(vendor=str(vendor)) for vendor in systems.vendor]
    known = np.isfinite(systems.peak_flops["bf16"]) & np.isfinite(systems.memory_bytes * systems.memory_bytes_per_s)
    physics = physics_of(values=values_of(world.coefficients), hardware=systems, stacks=stacks)
    links = links_of(systems)
    different = {(physics.take(row).key(), links.take(row).key()): row for row in np.flatnonzero(known)[::-1]}
    price = skus["price_usd_per_hour"].to_numpy(dtype=float) / skus["accelerators_count"].to_numpy(dtype=float) / 3600
    spaces = []
    for name in MODELS:
        architecture = world.architecture(name)
        sequence = int(min(8192, architecture.context_max_tokens or 8192))
        shape = shape_of(architecture=architecture, sequence_length=sequence)
        listed: dict[tuple[int, int], tuple[Layouts, ...]] = {}
        for row in sorted(different.values()):
            within = int(systems.domain_accelerators[row]), int(systems.node_accelerators[row])
            if within not in listed:
                listed[within] = _listed(architecture=architecture, sequence=sequence, domain=within[0], node=within[1])
            spaces.append(Space(listed[within], shape, physics.take(row), links.take(row), float(price[row])))
    return spaces


def _listed(*, architecture: Architecture, sequence: int, domain: int, node: int) -> tuple[Layouts, ...]:
    return tuple(
        enumerate_layouts(
            architecture=architecture,
            accelerators=size,
            global_batch_sequences=BATCH_SEQUENCES,
            sequence_length=sequence,
            domain=domain,
            node=node,
            round_batch=True,
        )
        for size in CLUSTERS
    )


def _searched(spaces: list[Space]) -> int:
    """Find the fastest layout of each cluster and what a million tokens cost on it."""
    usd_per_mtok = {}
    for place, space in enumerate(spaces):
        best = training.Best.none(len(space.tables))
        training.search(
            best=best,
            positions=range(len(space.tables)),
            tables=space.tables,
            shape=space.shape,
            physics=space.physics,
            links=space.links,
        )
        s_per_mtok = best.seconds / best.sequences / space.shape.sequence * 1e6
        usd_per_mtok[place] = s_per_mtok * np.array(CLUSTERS) * space.usd_per_accelerator_second
    return sum(len(space) for space in spaces)


def _evaluated(spaces: list[Space]) -> int:
    """Work out memory, time and cost of every layout."""
    return sum(_costed(table=table, space=space) for space in spaces for table in space.tables)


def _costed(*, table: Layouts, space: Space) -> int:
    count = 0
    for start in range(0, len(table), training.CHUNK):
        part = table.take(slice(start, start + training.CHUNK))
        filled, _ = fill_memory(
            shape=space.shape, layout=part, physics=space.physics, memory_bytes=space.links.memory_bytes
        )
        step = step_seconds(shape=space.shape, layout=filled, physics=space.physics, links=space.links)
        tokens = filled.data * filled.micro_batch * filled.micro_batches * space.shape.sequence
        usd_per_mtok = step["total"] * filled.accelerators() * space.usd_per_accelerator_second / tokens * 1e6
        count += len(usd_per_mtok)
    return count


# --- GPT-3 175B on 64 A100 -------------------------------------------------------------------------------------------

GPT3_BATCH_SEQUENCES = 1536


def gpt3_cases(world: World) -> list[Case]:
    """Return the search that a peer takes as its example: every way of training GPT-3 175B on 64 A100, in one call."""
    return [
        Case(
            id="gpt3.search",
            title="GPT-3 175B on 64 A100: list every layout and way of running it, find the fastest that fits",
            unit="s",
            action=lambda: gpt3_search(world)[0],
            target=1.0,
            note="467,808 or more; docs/bench.md says what spans the space",
        )
    ]


def gpt3_search(world: World) -> tuple[int, str]:
    """Return how many ways of training GPT-3 175B on 64 A100 were looked at, and the fastest that fits."""
    skus = world.skus()
    a100 = skus[(skus["accelerator"] == "a100-80gb") & (skus["accelerators_count"] == 8)].iloc[[0]]
    system = from_frame(a100, coefficients=world.coefficients)
    plain = choose_stack(vendor=str(system.vendor[0]))
    physics = physics_of(values=values_of(world.coefficients), hardware=system, stacks=[plain]).take(0)
    links = links_of(system).take(0)
    architecture = world.architecture("gpt-3-175b")
    shape = shape_of(architecture=architecture, sequence_length=2048)
    layouts = enumerate_layouts(
        architecture=architecture,
        accelerators=64,
        global_batch_sequences=GPT3_BATCH_SEQUENCES,
        sequence_length=2048,
        domain=int(system.domain_accelerators[0]),
        node=int(system.node_accelerators[0]),
        choices=Choices(
            tensor=(1, 2, 4, 8, 16, 32),
            context=(1, 2),
            micro_batch=[size for size in range(1, GPT3_BATCH_SEQUENCES + 1) if GPT3_BATCH_SEQUENCES % size == 0],
            recompute=(NONE, SELECTIVE, FULL),
            sharding=(REPLICATED, ZERO1, ZERO2, ZERO3),
        ),
    )
    count, best, name = 0, training.Best.none(1), ""
    for changed, kept in _ways(layouts, physics=physics):
        before = best.layout[0]
        training.search(best=best, positions=[0], tables=[kept], shape=shape, physics=changed, links=links)
        name = name if best.layout[0] == before else best.layout[0]
        count += len(kept)
    return count, name


def _ways(layouts: Layouts, *, physics: Physics) -> Iterator[tuple[Physics, Layouts]]:
    """Yield how the software may run the layouts, each with those layouts for which it makes a difference."""
    split, copied = layouts.tensor > 1, layouts.data * layouts.context > 1
    for parallel, hidden, overlapped, fused in product(
        (1.0, 0.0), (physics.overlap_tensor_fraction, 0.0, 1.0), (physics.overlap_data_fraction, 0.0), (1.0, 0.0)
    ):
        differs = np.ones(len(layouts), dtype=bool)
        if parallel == 0.0 or hidden != physics.overlap_tensor_fraction:
            differs &= split
        if overlapped == 0.0:
            differs &= copied
        changed = replace(
            physics,
            sequence_parallel=parallel,
            overlap_tensor_fraction=hidden,
            overlap_data_fraction=overlapped,
            flash=fused,
        )
        yield changed, layouts.take(differs)


# --- inference -------------------------------------------------------------------------------------------------------


def inference_cases(world: World) -> list[Case]:
    """Return the cases of inference: operating points through the door, and bare engine steps."""
    skus = world.skus()
    skus = skus[skus["accelerators_count"].ge(1)].reset_index(drop=True)
    models = [world.architecture(name) for name in MODELS]

    def ask() -> None:
        for model in models:
            inference.estimate_inference(
                architecture=model,
                traffic=SERVED,
                targets=Targets(),
                precision=inference.Precision(),
                hardware=skus,
                batch=False,
                coefficients=world.coefficients,
            )

    with counted(inference, "operate", lambda answer, asked: answer.tpot_s.size) as points:
        ask()
    number = points[0]

    def door() -> int:
        ask()
        return number

    steps = engine_steps(world)
    return [
        Case(
            id="inference.door",
            title="inference: operating points (memory, TTFT, TPOT, percentiles, replicas, hours) through the door",
            unit="evaluations/s",
            action=door,
            note=f"{len(models)} models × {len(skus)} SKUs × layouts × loads; each point is a closed loop, solved",
        ),
        Case(
            id="inference.step",
            title="inference: times of one engine step, a mixed batch of prompts and answers",
            unit="steps/s",
            action=steps,
            note="Llama 3 70B; SKUs × layouts × sequences × prompt tokens",
        ),
    ]


def engine_steps(world: World) -> Callable[[], int]:
    """Return an action that works out steps of serving Llama 3 70B: SKUs × layouts × sequences in flight × prompts."""
    asked: dict[str, Any] = {}
    with counted(inference, "operate", lambda answer, given: asked.update(given) or 0):
        estimate(
            workload=Workload(
                id="serve", kind="online_inference", architecture=world.architecture("llama-3-70b"), traffic=SERVED
            ),
            offers=world.accelerated(),
            coefficients=world.coefficients,
            horizon=Horizon(),
        )
    loads = (np.geomspace(1.0, 1024.0, 16), np.arange(0.0, 2048.0, 256.0))
    sequences, prompts = (part.ravel()[None, :] for part in np.meshgrid(*loads))

    def action() -> int:
        seconds = serving_step.step_s(
            shape=asked["shape"],
            pace=asked["pace"],
            layout=asked["layout"],
            sequences=sequences,
            context_tokens=2000.0,
            prefill_tokens=prompts,
            prefill_keys=1000.0,
            prefill_ends=np.where(prompts > 0, 1.0, 0.0),
        )
        return int(np.size(seconds))

    return action


@contextmanager
def counted(module: Any, name: str, size: Callable[[Any, dict[str, Any]], int]) -> Iterator[list[int]]:
    """Add up what the calls of a module's function deal with; for a run that is counted and not timed."""
    total, real = [0], getattr(module, name)

    def call(**asked: Any) -> Any:
        answer = real(**asked)
        total[0] += size(answer, asked)
        return answer

    with patch.object(module, name, call):
        yield total


# --- the page over three clouds --------------------------------------------------------------------------------------


def page_cases(world: World) -> list[Case]:
    """Return the page: Llama 3 70B on every accelerator SKU of three clouds, at every region's price."""
    offers = world.accelerated()
    model = world.architecture("llama-3-70b")
    run = Training(tokens=1e12, global_batch_tokens=4e6, sequence_length=8192)
    trained = Workload(
        id="train", kind="pretraining", architecture=model, training=run, targets=Targets(deadline_days=30)
    )
    served = Workload(id="serve", kind="online_inference", architecture=model, traffic=SERVED)
    others = iter(range(100))

    def answered(workload: Workload) -> int:
        return len(estimate(workload=workload, offers=offers, coefficients=world.coefficients, horizon=Horizon()))

    def new_question() -> int:
        """A batch that no run before had: its layouts are listed anew."""
        batch = 4e6 * (1 + next(others) / 7)
        return answered(replace(trained, training=replace(run, global_batch_tokens=batch)))

    with counted(training, "search", lambda _, asked: sum(len(table) for table in asked["tables"])) as layouts:
        answered(trained)
    with counted(inference, "operate", lambda answer, asked: answer.tpot_s.size) as points:
        answered(served)
    skus = len(world.skus())
    about = f"{skus} SKUs, {len(offers)} prices"
    return [
        Case(
            id="page.training",
            title="three-cloud page: training Llama 3 70B on all accelerators, all regions' prices, warm",
            unit="ms",
            action=lambda: answered(trained),
            target=300.0,
            note=f"{about}, {layouts[0]} layouts on the systems that differ",
        ),
        Case(
            id="page.training_new",
            title="three-cloud page: the same, each time with a batch not asked before",
            unit="ms",
            action=new_question,
            runs=5,
            warm=0,
            note="the layouts are listed anew",
        ),
        Case(
            id="page.serving",
            title="three-cloud page: serving Llama 3 70B on all accelerators, all regions' prices, warm",
            unit="ms",
            action=lambda: answered(served),
            target=300.0,
            note=f"{about}, {points[0]} operating points on the systems that differ",
        ),
    ]


# --- published results -----------------------------------------------------------------------------------------------


def score_cases(world: World) -> list[Case]:
    """Return the scoring of every published result in the repository."""
    halves = {
        half: score.read_rows((PUBLISHED / f"published_{half}.csv").read_text(encoding="utf-8"))
        for half in ("training", "inference")
    }

    def scored(half: str) -> int:
        given: dict[str, Any] = {"training": None, "inference": None, half: halves[half]}
        score.score(
            **given,
            coefficients=world.coefficients,
            accelerators=world.catalog.accelerators,
            architectures=world.catalog.architectures,
        )
        return len(halves[half])

    return [
        Case(
            id=f"score.{half}",
            title=f"published results predicted and compared: {half}",
            unit="rows/s",
            action=lambda half=half: scored(half),  # type: ignore[misc]
            runs=3,
        )
        for half in ("training", "inference")
    ]
