"""Ways to spread one training run over accelerators, as a struct of arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimator.architecture import Architecture

Numbers = NDArray[np.float64]

# What is computed again in the backward pass instead of kept.
# BLOCK recomputes whole layers, as many as memory demands, and selectively the rest; its share is filled in by
# memory.py.
NONE, SELECTIVE, FULL, MINIMAL, OFFLOADED, BLOCK = range(6)
RECOMPUTE_NAMES = ("no recompute", "selective recompute", "full recompute", "minimal remat", "offloaded remat", "block")

# What of weights, gradients and optimiser state is sharded over the data-parallel ranks.
REPLICATED, ZERO1, ZERO2, ZERO3 = range(4)
SHARDING_NAMES = ("replicated", "ZeRO-1", "ZeRO-2", "FSDP")


@dataclass(frozen=True)
class Layouts:
    """One entry per layout. ``shard`` is the number of ranks that share one copy of what ``sharding`` shards."""

    tensor: Numbers
    pipeline: Numbers
    interleave: Numbers
    context: Numbers
    expert: Numbers
    data: Numbers
    micro_batch: Numbers
    micro_batches: Numbers
    recompute: Numbers
    recomputed_fraction: Numbers
    sharding: Numbers
    shard: Numbers

    def __len__(self) -> int:
        return len(self.tensor)

    def take(self, index: Any) -> "Layouts":
        """Return the layouts at ``index`` (positions, a mask or a slice)."""
        return Layouts(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def accelerators(self) -> Numbers:
        """Return the accelerators each layout uses. [accelerators]"""
        return self.tensor * self.pipeline * self.context * self.data

    def name(self, position: int) -> str:
        """Return one layout in words, e.g. ``TP8·PP4·DP2, micro-batch 1, full recompute``."""
        degrees = [("TP", self.tensor), ("PP", self.pipeline), ("CP", self.context), ("EP", self.expert)]
        told = [f"{short}{int(values[position])}" for short, values in degrees if values[position] > 1]
        told.append(f"DP{int(self.data[position])}")
        chunks = int(self.interleave[position])
        parts = ["·".join(told) + (f" (interleave {chunks})" if chunks > 1 else "")]
        sharding = int(self.sharding[position])
        if sharding:
            parts.append(SHARDING_NAMES[sharding] + ("" if sharding < ZERO3 else f" over {int(self.shard[position])}"))
        parts.append(f"micro-batch {int(self.micro_batch[position])}")
        parts.append(self._recompute_name(position))
        return ", ".join(parts)

    def _recompute_name(self, position: int) -> str:
        kind, fraction = int(self.recompute[position]), float(self.recomputed_fraction[position])
        if kind != BLOCK:
            return RECOMPUTE_NAMES[kind]
        if fraction == 0:
            return RECOMPUTE_NAMES[SELECTIVE]
        return RECOMPUTE_NAMES[FULL] if fraction == 1 else f"full recompute of {fraction:.0%} of the layers"


def join(parts: Sequence[Layouts]) -> Layouts:
    """Return several tables as one."""
    return Layouts(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Layouts)}
    )


def powers_of_two(limit: float) -> list[int]:
    """Return 1, 2, 4, … up to ``limit``."""
    return [2**exponent for exponent in range(int(np.log2(max(limit, 1))) + 1)]


def divisors(number: int) -> list[int]:
    """Return all divisors in order."""
    small = [value for value in range(1, int(number**0.5) + 1) if number % value == 0]
    return sorted({*small, *(number // value for value in small)})


@dataclass(frozen=True)
class Choices:
    """The values each dimension may take; ``None`` = every sensible one. A published row that states one value gives
    one."""

    tensor: Sequence[int] | None = None
    pipeline: Sequence[int] | None = None
    context: Sequence[int] | None = None
    expert: Sequence[int] | None = None
    micro_batch: Sequence[int] | None = None
    interleave: Sequence[int] | None = None
    recompute: Sequence[int] | None = None
    sharding: Sequence[int] | None = None


def enumerate_layouts(
    *,
    architecture: Architecture,
    accelerators: int,
    global_batch_sequences: float,
    sequence_length: int,
    domain: int,
    node: int,
    choices: Choices | None = None,
    round_batch: bool = False,
    batch_tolerance_fraction: float = 0.25,
) -> Layouts:
    """Return every layout of ``accelerators`` that divides evenly, for one model and batch.

    Left-open dimensions: tensor parallelism inside the node or scale-up domain (at most 16), pipelines up to the
    layers,
    context parallelism down to 2,048 tokens a rank, experts spread inside one stage, micro-batches up to 16 sequences.
    A global batch that the data-parallel ranks do not divide is not offered, or with ``round_batch`` rounded by at
    most a quarter.
    """
    choices = choices or Choices()
    blocks: list[Numbers] = []
    for tensor in _open(choices.tensor, _tensor_degrees(architecture, accelerators, max(domain, node))):
        for pipeline in _open(choices.pipeline, _pipeline_degrees(architecture, accelerators // max(tensor, 1))):
            for context in _open(choices.context, _context_degrees(architecture, sequence_length)):
                model_parallel = tensor * pipeline * context
                if model_parallel > accelerators or accelerators % model_parallel:
                    continue
                data = accelerators // model_parallel
                local = global_batch_sequences / data
                if round_batch:
                    local = max(round(local), 1)
                    if abs(local * data / global_batch_sequences - 1) > batch_tolerance_fraction:
                        continue
                elif global_batch_sequences % data:
                    continue
                block = _block(
                    architecture=architecture,
                    tensor=tensor,
                    pipeline=pipeline,
                    context=context,
                    data=data,
                    local_sequences=local,
                    domain=domain,
                    choices=choices,
                )
                if block is not None:
                    blocks.append(block)
    return Layouts(*np.concatenate(blocks, axis=1)) if blocks else no_layouts()


def _block(
    *,
    architecture: Architecture,
    tensor: int,
    pipeline: int,
    context: int,
    data: int,
    local_sequences: float,
    domain: int,
    choices: Choices,
) -> Numbers | None:
    """Return the layouts of one tensor, pipeline and context degree: one row a field of ``Layouts``, in their order."""
    micro = [b for b in _open(choices.micro_batch, [1, 2, 4, 8, 16]) if local_sequences % b == 0]
    interleaves = _open(choices.interleave, _interleaves(architecture, pipeline))
    experts = _open(choices.expert, _expert_degrees(architecture, tensor * context * data))
    recompute = _open(choices.recompute, [NONE, BLOCK])
    shardings = _shardings(choices=choices, ranks=data * context, pipeline=pipeline, stride=tensor, domain=domain)
    if not micro or not experts:
        return None
    grid = _grid(tuple(interleaves), tuple(experts), tuple(micro), tuple(recompute), tuple(shardings))
    block = np.empty((12, grid.shape[1]))
    block[[0, 1, 3, 5]] = np.array([[tensor], [pipeline], [context], [data]], dtype=float)
    block[[2, 4, 6, 8, 10, 11]] = grid
    block[7] = local_sequences / grid[2]
    block[9] = grid[3] == FULL
    return block


@lru_cache(maxsize=4096)
def _grid(
    interleaves: tuple[int, ...],
    experts: tuple[int, ...],
    micro: tuple[int, ...],
    recompute: tuple[int, ...],
    shardings: tuple[tuple[int, int], ...],
) -> Numbers:
    """Return every combination, one row a dimension: many blocks ask for the same."""
    rows = [(*left, *shard) for *left, shard in product(interleaves, experts, micro, recompute, shardings)]
    return np.array(rows, dtype=float).T


def _open(stated: Sequence[int] | None, sensible: Sequence[int]) -> Sequence[int]:
    return sensible if stated is None else stated


def _tensor_degrees(architecture: Architecture, accelerators: int, node: int) -> list[int]:
    limit = min(accelerators, max(node, 1), architecture.heads, 16)
    return [degree for degree in powers_of_two(limit) if architecture.heads % degree == 0]


def _pipeline_degrees(architecture: Architecture, accelerators: int) -> list[int]:
    limit = min(accelerators, architecture.layers, 64)
    even = [degree for degree in divisors(architecture.layers) if degree <= limit]
    return sorted({*even, *(degree for degree in powers_of_two(limit) if degree <= architecture.layers // 4)})


def _context_degrees(architecture: Architecture, sequence_length: int) -> list[int]:
    return powers_of_two(max(sequence_length // 2048, 1)) if sequence_length >= 4096 else [1]


def _expert_degrees(architecture: Architecture, ranks: int) -> list[int]:
    if not architecture.is_moe:
        return [1]
    limit = min(architecture.experts_count, ranks, 64)
    return [degree for degree in powers_of_two(limit) if architecture.experts_count % degree == 0]


def _interleaves(architecture: Architecture, pipeline: int) -> list[int]:
    """Interleaved chunks keep whole layers; embedding and head may count as two layers (Llama 3.1 405B: 126 + 2)."""
    if pipeline == 1:
        return [1]
    found = {1}
    for layers in (architecture.layers, architecture.layers + 2):
        if layers % pipeline == 0:
            found.update(chunks for chunks in divisors(layers // pipeline) if chunks <= 8)
    return sorted(found)


def _shardings(*, choices: Choices, ranks: int, pipeline: int, stride: int, domain: int) -> list[tuple[int, int]]:
    """Return (what is sharded, over how many ranks): whole group, or the scale-up domain only (hybrid sharding)."""
    found = []
    inside = int(min(max(domain // stride, 1), ranks))
    while ranks % inside:
        inside -= 1
    for kind in _open(choices.sharding, [ZERO1, ZERO3]):
        if kind == ZERO3 and (pipeline > 1 or ranks == 1):
            continue
        found.append((kind, ranks))
        if kind == ZERO3 and 1 < inside < ranks:
            found.append((kind, inside))
    return found or [(ZERO1, ranks)]


def no_layouts() -> Layouts:
    """Return the empty table."""
    return Layouts(**{field.name: np.empty(0) for field in fields(Layouts)})
