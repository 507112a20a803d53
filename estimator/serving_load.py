"""A replica under load: time to first token, time per token and throughput at a number of requests in flight."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from estimator.serving_shape import Shape
from estimator.serving_step import Layout, Pace, step_s

Number = Any  # a float or a numpy array; formulas take either

# Decode steps before a new prompt's first: half of the running one, and the next, which vLLM, SGLang and TensorRT-LLM
# schedule while that one runs (overlapped scheduling).
_STEPS_AHEAD = 1.5


@dataclass(frozen=True, slots=True)
class Load:
    """What each request asks for, and how the engine batches."""

    input_tokens: Number  # that have to be computed: cached ones are off
    output_tokens: Number
    context_tokens: Number  # mean tokens a decoding sequence looks back on
    prefill_keys: Number  # mean tokens a computed input token looks back on
    chunk_tokens: Number  # prefill tokens a step takes at most
    request_s: Number  # front end: HTTP, tokenising, scheduling, first detokenising
    burst: Number  # share of the requests in flight that arrive together
    static: Number = False  # static batching: all prompts first, then all decode together
    accepted_tokens: Number = 1.0  # tokens per step with speculative decoding, 1 = none
    draft_cost: Number = 0.0  # extra step time of the draft, as a fraction


@dataclass(frozen=True, slots=True)
class Point:
    """The operating point of one replica."""

    ttft_s: Number
    tpot_s: Number
    cycle_s: Number  # of one request in the engine, its wait for a cache slot left out
    requests_per_s: Number
    own_s: Number  # time to first token without the prefills of others
    wait_s: Number  # mean wait for the prefills of others, part of ttft_s
    step_s: Number  # of decoding alone
    prefill_load: Number  # share of the time in which a prefill runs
    sequences: Number


def operate(
    *, shape: Shape, pace: Pace, layout: Layout, load: Load, in_flight: Number, slots: Number | None = None
) -> Point:
    """Return the point at which ``in_flight`` requests stay in a replica that holds ``slots`` of them.

    Continuous batching in a closed loop: each request alternates between one prefill (in chunks that ride on decode
    steps) and
    its decode steps; every other request's prefill lengthens both. The first token waits for the prefills it meets
    (mean value
    analysis of a queue that a request joins once a cycle). Past ``slots`` the surplus waits outside, by Little's law.
    Source: ``serving-load`` in docs/model_inference.md.
    """
    inside = in_flight if slots is None else np.minimum(in_flight, slots)
    others = np.maximum(inside - 1, 0.0)
    steps = np.maximum(load.output_tokens - 1, 1e-9) / load.accepted_tokens
    speed = 1 + load.draft_cost
    width = layout.pipeline * layout.data
    chunks = np.maximum(load.input_tokens / load.chunk_tokens, 1.0)

    def step(sequences: Number, prefill: Number) -> Number:
        return step_s(
            shape=shape,
            pace=pace,
            layout=layout,
            sequences=sequences * load.accepted_tokens,
            context_tokens=load.context_tokens,
            prefill_tokens=prefill * layout.data,  # every attention rank reads a prompt of its own
            prefill_keys=load.prefill_keys,
            prefill_ends=np.where(np.asarray(prefill) > 0, layout.data, 0.0),
        )

    decode_s = step(inside, 0.0) * speed
    piece = load.input_tokens / chunks
    # Where more than one prompt arrives in a step, they are read together, up to the chunk.
    shared = np.clip(others / width / steps, 1.0, np.maximum(load.chunk_tokens / piece, 1.0))
    together_s = step(inside, piece * shared)
    extra_s = np.maximum(together_s - decode_s, 0.0) * chunks / shared  # of one prompt, to the others
    # Its own chunks after the steps that run or are queued; its launches are hidden from the others, not from itself.
    own_s = load.request_s + _STEPS_AHEAD * decode_s + chunks * together_s + shape.layers * pace.first_layer_s
    ttft_s, cycle_s = _meet(
        own_s=own_s, decode_s=steps * decode_s, others_s=others / width * extra_s, half_s=load.request_s + extra_s / 2
    )
    # A step reads one chunk at most: decode is never slower than that, the rest of the cycle is waiting.
    fullest_s = np.maximum(step(inside, load.chunk_tokens), together_s) * speed
    tpot_s = np.minimum((cycle_s - ttft_s) / steps, fullest_s) / load.accepted_tokens
    ttft_s = cycle_s - steps * load.accepted_tokens * tpot_s
    wait_s = np.maximum(ttft_s - own_s, 0.0)
    ttft_s = ttft_s + load.burst * others / width / 2 * extra_s  # of those that arrive together, half are ahead
    cycle_s = ttft_s + steps * load.accepted_tokens * tpot_s
    if np.any(load.static):
        all_s = step(np.ones_like(decode_s), load.input_tokens * inside / layout.data) + load.request_s
        ttft_s = np.where(load.static, all_s, ttft_s)
        tpot_s = np.where(load.static, decode_s / load.accepted_tokens, tpot_s)
        cycle_s = ttft_s + steps * load.accepted_tokens * tpot_s
    requests_per_s = inside / cycle_s
    outside_s = np.maximum(in_flight - inside, 0.0) / requests_per_s
    return Point(
        ttft_s=ttft_s + outside_s,
        tpot_s=tpot_s,
        cycle_s=cycle_s,
        requests_per_s=requests_per_s,
        own_s=own_s,
        wait_s=wait_s,
        step_s=decode_s,
        prefill_load=np.clip(requests_per_s * extra_s, 0.0, 1.0),
        sequences=inside,
    )


def _meet(*, own_s: Number, decode_s: Number, others_s: Number, half_s: Number) -> tuple[Number, Number]:
    """Return the time to first token T and the cycle C of a request that meets each other's prompt once a cycle. [s]

    T = own + others · (T − half) ÷ C, where the running prompt is half over on average, and C = T + decode +
    others · (1 − T ÷ C). Together they are C² − (own + decode + others) · C + others · half = 0.
    """
    total_s = own_s + decode_s + others_s
    cycle_s = (total_s + np.sqrt(np.maximum(total_s * total_s - 4 * others_s * half_s, 0.0))) / 2
    met = others_s / cycle_s
    return (own_s - met * half_s) / (1 - met), cycle_s


def operate_apart(
    *,
    shape: Shape,
    pace: Pace,
    layout: Layout,
    load: Load,
    in_flight: Number,
    transfer_fraction: Number,
    prefill_utilisation: Number,
) -> Point:
    """Return the point of disaggregated serving: prompts and tokens on replicas of their own, same layout for both.

    ``in_flight`` requests decode on a replica without meeting any prefill; as many replicas read prompts as keep
    those busy at
    ``prefill_utilisation``. ``requests_per_s`` is per replica of either kind, so that fleets compare. Moving the
    cache costs
    ``transfer_fraction`` of the prefill. Source: DistServe (arXiv:2401.09670), Splitwise (arXiv:2311.18677).
    """
    alone = operate(shape=shape, pace=pace, layout=layout, load=load, in_flight=np.ones_like(in_flight))
    decode_s = operate(
        shape=shape,
        pace=pace,
        layout=layout,
        load=replace(load, input_tokens=1e-6, request_s=0.0),
        in_flight=in_flight,
    ).step_s
    tpot_s = decode_s / load.accepted_tokens
    read_s = (alone.own_s - load.request_s) * (1 + transfer_fraction)
    wait_s = prefill_utilisation / (2 * (1 - prefill_utilisation)) * read_s  # M/D/1
    decode_rate = in_flight / (tpot_s * np.maximum(load.output_tokens - 1, 1e-9))
    read_rate = prefill_utilisation * layout.pipeline * layout.data / read_s
    rate = 1 / (1 / decode_rate + 1 / read_rate)
    own_s = load.request_s + read_s
    cycle_s = own_s + wait_s + tpot_s * np.maximum(load.output_tokens - 1, 0.0)
    return Point(
        ttft_s=own_s + wait_s,
        tpot_s=tpot_s,
        cycle_s=cycle_s,
        requests_per_s=rate,
        own_s=own_s,
        wait_s=wait_s,
        step_s=decode_s,
        prefill_load=np.zeros_like(rate),
        sequences=in_flight + np.zeros_like(rate),
    )
