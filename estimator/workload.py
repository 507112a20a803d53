"""What a team needs, as the estimator sees it: one frozen ``Workload`` per workload of the decision.

Every optional field is ``None`` when the team did not say; nothing here fills in a default. Units are in the names.
"""

from dataclasses import dataclass, field
from typing import Literal, get_args

from estimator.architecture import Architecture

Kind = Literal["pretraining", "finetuning", "batch_inference", "online_inference", "cpu_serving", "managed_api"]
Ramp = Literal["linear", "immediate"]
Method = Literal["full", "lora", "qlora"]

KINDS: tuple[str, ...] = get_args(Kind)
TRAINING_KINDS: tuple[str, ...] = ("pretraining", "finetuning")
INFERENCE_KINDS: tuple[str, ...] = ("batch_inference", "online_inference")


class WorkloadError(ValueError):
    """A workload that no formula can take: the text names the field, the value and what is accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The load: mean requests, how far the peak stands above it, and the tokens of one request."""

    requests_per_s_mean: float | None = None  # over the hours in which there is traffic
    peak_factor: float | None = None  # peak ÷ mean, at least 1
    hours_per_day: float | None = None
    input_tokens: float | None = None  # per call, with everything the model reads
    output_tokens: float | None = None  # per call
    cached_fraction: float | None = None  # of the input tokens, the same from call to call: a prefix cache can hold it
    input_characters: float | None = None  # per call; counts where input_tokens is not said
    output_characters: float | None = None  # per call; counts where output_tokens is not said
    language: str | None = None  # of the characters, ISO 639-1
    calls_per_request: float | None = None  # model calls that one request makes, at least 1
    reasoning_tokens: float | None = None  # hidden output per call, measured, beside the output
    retry_fraction: float | None = None  # calls sent again ÷ answers used
    cache_ttl_minutes: float | None = None  # how long a cached prefix is kept
    cache_write_fraction: float | None = None  # of the cacheable input tokens, written anew instead of read, measured

    def __post_init__(self) -> None:
        _check(self, "requests_per_s_mean", low=0.0)
        _check(self, "peak_factor", low=1.0)
        _check(self, "hours_per_day", low=0.0, high=24.0, open_low=True)
        _check(self, "input_tokens", low=0.0)
        _check(self, "output_tokens", low=0.0)
        _check(self, "cached_fraction", low=0.0, high=1.0)
        _check(self, "input_characters", low=0.0)
        _check(self, "output_characters", low=0.0)
        _check(self, "calls_per_request", low=1.0)
        _check(self, "reasoning_tokens", low=0.0)
        _check(self, "retry_fraction", low=0.0)
        _check(self, "cache_ttl_minutes", low=0.0, open_low=True)
        _check(self, "cache_write_fraction", low=0.0, high=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What the workload has to keep."""

    latency_p99_ms: float | None = None
    ttft_p95_ms: float | None = None
    tpot_p95_ms: float | None = None
    deadline_days: float | None = None
    availability: float | None = None  # percent as the document writes it, e.g. 99.99
    rto_minutes: float | None = None
    rpo_minutes: float | None = None

    def __post_init__(self) -> None:
        for name in ("latency_p99_ms", "ttft_p95_ms", "tpot_p95_ms", "deadline_days"):
            _check(self, name, low=0.0, open_low=True)
        _check(self, "availability", low=0.0, high=100.0)
        _check(self, "rto_minutes", low=0.0)
        _check(self, "rpo_minutes", low=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One training run and how often it is run."""

    tokens: float | None = None  # of one run
    global_batch_tokens: float | None = None
    sequence_length: int | None = None
    precision: str | None = None  # bf16 | fp16 | fp8 | mxfp8 | nvfp4 …
    method: Method | None = None
    runs_per_month: float | None = None
    experiment_overhead: float | None = (
        None  # extra accelerator time for experiments and failed runs ÷ that of the runs
    )

    def __post_init__(self) -> None:
        _check(self, "tokens", low=0.0, open_low=True)
        _check(self, "global_batch_tokens", low=0.0, open_low=True)
        _check(self, "sequence_length", low=0.0, open_low=True)
        _check(self, "runs_per_month", low=0.0)
        _check(self, "experiment_overhead", low=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Where the workload's data lie and how much of it leaves."""

    stored_tb: float | None = None  # decimal
    egress_gb_per_month: float | None = None  # decimal
    located_in_provider: str | None = None
    located_in_region: str | None = None

    def __post_init__(self) -> None:
        _check(self, "stored_tb", low=0.0)
        _check(self, "egress_gb_per_month", low=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What the team's code is made of, as far as it binds the choice of silicon."""

    frameworks: tuple[str, ...] = ()
    custom_kernels: int | None = None
    unsupported_ops: tuple[str, ...] = ()
    image_arch: tuple[str, ...] = ()  # amd64 | arm64


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the team measured itself: the rate of one instance, or the accelerator hours a month, on one SKU."""

    on: str | None = None  # a SKU, e.g. "c6i.4xlarge" or "aws/c6i.4xlarge"
    work_unit: str | None = None  # request | image | token | sample …
    units_per_s: float | None = None  # of one whole instance, at the latency the team accepts
    hours_per_month: float | None = None  # instance-hours

    def __post_init__(self) -> None:
        _check(self, "units_per_s", low=0.0, open_low=True)
        _check(self, "hours_per_month", low=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How a team serves a model of its own, as far as it has decided that."""

    weight_format: str | None = None  # bf16 | fp8 | int8 | int4 | nvfp4 | mxfp4, where not as the maker publishes them
    cache_format: str | None = None  # bf16 | fp8
    accepted_tokens: float | None = None  # tokens a step from speculative decoding, 1 = none
    disaggregated: bool | None = None  # prompts are read on replicas of their own

    def __post_init__(self) -> None:
        _check(self, "accepted_tokens", low=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """How long the plan runs and how the load arrives."""

    months: int = 12
    ramp: Ramp = "immediate"

    def __post_init__(self) -> None:
        if self.months < 1:
            raise WorkloadError(f"horizon.months is {self.months}, expected at least 1")
        if self.ramp not in get_args(Ramp):
            raise WorkloadError(f"horizon.ramp is {self.ramp!r}, expected one of {', '.join(get_args(Ramp))}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One workload of a decision."""

    id: str
    kind: Kind
    architecture: Architecture | None = None
    traffic: Traffic = field(default_factory=Traffic)
    targets: Targets = field(default_factory=Targets)
    training: Training | None = None
    data: Data = field(default_factory=Data)
    code: Code = field(default_factory=Code)
    measured: Measured | None = None
    serving: Serving = field(default_factory=Serving)
    utilisation: float | None = None  # fraction of the paid time in which the hardware is meant to be busy
    purchase: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise WorkloadError(f"{self.id}.kind is {self.kind!r}, expected one of {', '.join(KINDS)}")
        _check(self, "utilisation", low=0.0, high=1.0, open_low=True)


def _check(record: object, name: str, *, low: float, high: float = float("inf"), open_low: bool = False) -> None:
    value = getattr(record, name)
    if value is None:
        return
    if not (low < value <= high if open_low else low <= value <= high):
        least = f"more than {low:g}" if open_low else f"at least {low:g}"
        most = "" if high == float("inf") else f" and at most {high:g}"
        raise WorkloadError(f"{type(record).__name__.lower()}.{name} is {value!r}, expected {least}{most}")
