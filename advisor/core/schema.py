"""The shape of a decision document: every key, its type, its unit and the range beyond which a value is impossible.

Null means "not said" everywhere and is never zero; an empty list is an answer ("none"). A null section is a section in
which nothing was said.
"""

import datetime as dt
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, StringConstraints, Tag
from pydantic_core import PydanticCustomError

from catalog.records import Basis as OfferBasis
from catalog.records import Provider

Kind = Literal["pretraining", "finetuning", "batch_inference", "online_inference", "cpu_serving", "managed_api"]
Basis = Literal[OfferBasis, "provisioned_throughput"]
Precision = Literal["bf16", "fp16", "fp8", "mxfp8", "nvfp4", "fp32"]
Silicon = Literal["nvidia", "amd", "trainium", "inferentia", "tpu", "maia"]
PROVIDERS: tuple[str, ...] = typing.get_args(Provider)
TRAINING_KINDS: tuple[str, ...] = ("pretraining", "finetuning")
TOKEN_KINDS: tuple[str, ...] = ("batch_inference", "online_inference", "managed_api")


def _said(text: str) -> PydanticCustomError:
    return PydanticCustomError("said", "{said}", {"said": text})


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise _said("must be a number, not true or false")
    return value


def _iso_date(value: Any) -> Any:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        if isinstance(value, str) and len(value) == 10:
            return dt.date.fromisoformat(value)
    except ValueError:
        pass
    raise _said("must be a date like 2027-03-01")


def _section(value: Any) -> Any:
    return {} if value is None else value


Real = Annotated[float, BeforeValidator(_no_truth)]
Whole = Annotated[int, BeforeValidator(_no_truth)]
Day = Annotated[dt.date, BeforeValidator(_iso_date)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Word = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Slug = Annotated[str, StringConstraints(max_length=40, pattern=r"^[a-z][a-z0-9_-]*$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Location = Annotated[str, StringConstraints(max_length=80, pattern=r"^(aws|azure|gcp):[a-z0-9-]+$")]
Words = Annotated[tuple[Word, ...], Field(max_length=50)]

PATTERNS = {
    r"^[a-z][a-z0-9_-]*$": "must begin with a letter and hold only a–z, 0–9, - and _",
    r"^[A-Z]{2}$": "must be a country code of two capital letters, such as US or DE",
    r"^[a-z]{2}$": "must be a language code of two small letters, such as en or de",
    r"^(aws|azure|gcp):[a-z0-9-]+$": "must be provider:region, such as aws:us-east-1",
    r"^[^\x00-\x1f\x7f]*$": "must be one line of plain text",
}


_JSON_SCHEMA = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def _q(text: str, unit: str, **limits: Any) -> Any:
    """Return a field for a quantity that need not be said, with its unit in the description."""
    return Field(
        default=None, description=f"{text} [{unit}]", json_schema_extra={"unit": unit, **_said_of(limits)}, **limits
    )


def _f(text: str, **limits: Any) -> Any:
    return Field(default=None, description=text, json_schema_extra=_said_of(limits), **limits)


def _said_of(limits: dict[str, Any]) -> dict[str, Any]:
    """Return the limits in the words of JSON schema, which pydantic leaves out beside a null."""
    return {_JSON_SCHEMA[name]: bound for name, bound in limits.items()}


class Section(BaseModel):
    """A part of the document: unknown keys are refused, values do not change after the check."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())


class Organisation(Section):
    """Who asks, as far as licence terms depend on it."""

    seat: Country | None = _f("Country of the organisation's seat, ISO 3166 alpha-2; some licences exclude countries.")
    monthly_users: Whole | None = _q("People who use its products in a month.", "users", ge=0, le=10_000_000_000)
    commercial: bool | None = _f("Whether the models are put to commercial use.")


class CurrentMeasured(Section):
    """What the team uses and pays today."""

    accelerator_hours_per_month: Real | None = _q("Accelerator hours used.", "accelerator hours/month", ge=0, le=1e9)
    occupancy: Real | None = _q("Share of the paid accelerator hours that did work.", "fraction", ge=0, le=1)
    cost_usd_per_month: Real | None = _q("What the present way costs.", "USD/month", ge=0, le=1e10)


class Current(Section):
    """Where the team stands today: staying is always one of the ranked options."""

    provider: Literal["aws", "azure", "gcp", "other"] | None = _f(
        "Where the team runs today; other is another cloud or its own machines."
    )
    region: Word | None = _f("Region code of that provider, such as us-east-1.")
    stored_tb: Real | None = _q("Data held there.", "TB, decimal", ge=0, le=1e7)
    measured: Annotated[CurrentMeasured, BeforeValidator(_section)] = CurrentMeasured()


class Team(Section):
    """What the team can do today; a stack outside it costs time."""

    size: Whole | None = _q("People in the engineering team.", "people", ge=0, le=1_000_000)
    ml_systems_engineers: Whole | None = _q(
        "Those who run accelerators: kernels, distributed training, serving engines.", "people", ge=0, le=1_000_000
    )
    frameworks: Words | None = _f("Frameworks the team works in, such as pytorch or jax.")
    accelerators: Annotated[tuple[Silicon, ...], Field(max_length=10)] | None = _f(
        "Accelerators it has used in production."
    )
    orchestrators: Words | None = _f("Orchestrators it runs, such as kubernetes or slurm.")


class Quota(Section):
    """Accelerators the team may start today without asking the provider."""

    provider: Provider = Field(description="Who granted it.")
    region: Word | None = _f("Region code it holds in, such as us-east-1; null means every region.")
    applies_to: Word = Field(default="*", description="SKUs it covers, with * for any letters, such as p5*.")
    accelerators: Whole = Field(description="Accelerators that may run at once. [accelerators]", ge=0, le=10_000_000)


class Constraints(Section):
    """What the answer must keep; whatever cannot be confirmed is said to be so, not taken as met."""

    providers: Annotated[tuple[Provider, ...], Field(min_length=1, max_length=3)] | None = _f(
        "Clouds that may be used; null means all three."
    )
    residency: Annotated[str, StringConstraints(pattern=r"^(EU|[A-Z]{2})$")] | None = _f(
        "Where data must stay: EU or a country code of two capital letters; null means anywhere."
    )
    certifications: Words | None = _f("Certificates the services must hold, such as iso27001 or hipaa.")
    budget_usd_per_month: Real | None = _q("The most that all workloads together may cost.", "USD/month", gt=0, le=1e10)
    need_by: Day | None = _f("The day on which it must run, as an ISO date.")
    purchase: Annotated[tuple[Basis, ...], Field(min_length=1, max_length=10)] | None = _f(
        "Ways to buy that are acceptable; stacks are ranked within one way."
    )
    quota: Annotated[tuple[Quota, ...], Field(max_length=50)] | None = _f(
        "Quota held; where none is named, a coefficient stands in for what may be had without asking."
    )


class Horizon(Section):
    """Over which time costs are summed, and how fast the load arrives."""

    months: Whole | None = _q("Length of the comparison.", "months", ge=1, le=120)
    ramp: Literal["linear", "immediate"] | None = _f(
        "linear: the load grows evenly to its full size over the horizon; immediate: it is all there from month one."
    )


class Preference(Section):
    """How much one aim counts, and between which two values it is judged."""

    weight: Real | None = _q("Importance beside the other aims; only the proportions count.", "points", ge=0, le=100)
    ideal: Real | None = _f("The value that is as good as needed; in the aim's own unit.", ge=0, le=1e12)
    unacceptable: Real | None = _f(
        "The value that is no use at all, above ideal; in the aim's own unit.", gt=0, le=1e12
    )


_Preference = Annotated[Preference, BeforeValidator(_section)]


class Preferences(Section):
    """What the team wants most. Weights only order stacks that keep every constraint."""

    cost: _Preference = Field(default=Preference(), description="Money a month; ideal and unacceptable in USD/month.")
    time: _Preference = Field(default=Preference(), description="Time to run; ideal and unacceptable in days.")
    latency: _Preference = Field(default=Preference(), description="Response time; ideal and unacceptable in ms.")
    portability: _Preference = Field(
        default=Preference(), description="Freedom to leave; ideal and unacceptable as coupling from 0 (loose) to 1."
    )
    operations: _Preference = Field(
        default=Preference(),
        description="Ease of running; ideal and unacceptable as the burden from 0 (the provider runs it) to 1.",
    )


class Discount(Section):
    """A discount the team has agreed with a provider. Net cost is shown beside list cost."""

    provider: Provider = Field(description="Who grants it.")
    applies_to: Word = Field(default="*", description="SKUs it covers, with * for any letters, such as p5*.")
    fraction: Real = Field(description="Part of the list price that is taken off. [fraction]", ge=0, lt=1)
    ends: Day | None = _f("Its last day, as an ISO date.")


class Commitment(Section):
    """Money the team has promised a provider. What stays undrawn is charged to the stack that strands it."""

    provider: Provider = Field(description="To whom it is owed.")
    usd_per_month: Real = Field(description="What is owed each month. [USD/month]", gt=0, le=1e10)
    ends: Day | None = _f("Its last day, as an ISO date.")


class Commercial(Section):
    """Contract terms of the team's own."""

    discounts: Annotated[tuple[Discount, ...], Field(max_length=50)] | None = _f("Agreed discounts.")
    commitments: Annotated[tuple[Commitment, ...], Field(max_length=50)] | None = _f("Spending commitments.")


class CouplingWeights(Section):
    """The team's own weights of the coupling observations; null keeps the shipped weight."""

    proprietary_api: Real | None = _q("Weight of an interface only this provider offers.", "points", ge=0, le=10)
    proprietary_compiler: Real | None = _q("Weight of a compiler only this provider offers.", "points", ge=0, le=10)
    sole_cloud_hardware: Real | None = _q("Weight of hardware that one cloud alone rents out.", "points", ge=0, le=10)
    single_silicon_vendor: Real | None = _q("Weight of silicon that one vendor alone makes.", "points", ge=0, le=10)
    artifact_not_portable: Real | None = _q("Weight of artifacts that run nowhere else.", "points", ge=0, le=10)
    no_open_source_runtime: Real | None = _q("Weight of a run time without open source.", "points", ge=0, le=10)
    no_alternative: Real | None = _q("Weight of a pair without any alternative.", "points", ge=0, le=10)


class InlineModel(Section):
    """A transformer by its shape, where the catalog does not hold it. The words are those of model cards."""

    layers: Whole | None = _q("Transformer blocks.", "layers", ge=1, le=2_000)
    hidden: Whole | None = _q("Width of the residual stream.", "units", ge=1, le=1_000_000)
    heads: Whole | None = _q("Attention heads.", "heads", ge=1, le=10_000)
    kv_heads: Whole | None = _q("Key and value heads; null means as many as heads.", "heads", ge=1, le=10_000)
    head_dim: Whole | None = _q("Width of one head; null means hidden ÷ heads.", "units", ge=1, le=10_000)
    ffn_hidden: Whole | None = _q("Width of the feed-forward block.", "units", ge=1, le=10_000_000)
    ffn_kind: Literal["gated", "plain"] | None = _f("gated: three matrices (SwiGLU); plain: two (GELU). Default gated.")
    vocab: Whole | None = _q("Vocabulary.", "tokens", ge=1, le=10_000_000)
    tied_embeddings: bool | None = _f("Whether input and output share one embedding matrix. Default false.")
    attention: Literal["mha", "gqa", "mqa", "mla"] | None = _f("Kind of attention; null follows from kv_heads.")
    kv_lora_rank: Whole | None = _q("Latent rank of MLA attention.", "units", ge=1, le=100_000)
    sliding_window: Whole | None = _q("Window of sliding-window attention.", "tokens", ge=1, le=100_000_000)
    experts_count: Whole | None = _q("Routed experts; null means a dense model.", "experts", ge=1, le=100_000)
    experts_active: Whole | None = _q("Routed experts each token passes.", "experts", ge=1, le=100_000)
    experts_shared: Whole | None = _q("Experts every token passes.", "experts", ge=0, le=100_000)
    expert_hidden: Whole | None = _q("Width of one expert.", "units", ge=1, le=10_000_000)
    params_total: Real | None = _q(
        "All parameters as stated, such as 70e9; null counts them from the shape.", "parameters", ge=1e6, le=1e15
    )
    params_active: Real | None = _q("Parameters each token passes, as stated.", "parameters", ge=1e6, le=1e15)
    context_max_tokens: Whole | None = _q("Longest context.", "tokens", ge=1, le=1_000_000_000)


class AcceptableModel(Section):
    """A model family the team has found good enough, and on what evidence."""

    family: Word = Field(description="Family as the catalog names it, such as claude-haiku-5-5.")
    eval: Text | None = _f("The evaluation that showed it, in the team's words.")
    sample_size: Whole | None = _q("Cases in that evaluation.", "cases", ge=1, le=1_000_000_000)
    date: Day | None = _f("Its date, as an ISO date.")


class ManagedModel(Section):
    """For work on a managed model API: which families would do."""

    acceptable: Annotated[tuple[AcceptableModel, ...], Field(min_length=1, max_length=50)]


class Traffic(Section):
    """The load on a served workload."""

    requests_per_s_mean: Real | None = _q(
        "Mean rate over the hours in which there is traffic.", "requests/s", ge=0, le=1e9
    )
    peak_factor: Real | None = _q("Peak rate ÷ mean rate.", "ratio", ge=1, le=1_000)
    hours_per_day: Real | None = _q("Hours of a day in which there is traffic.", "hours/day", gt=0, le=24)
    input_tokens: Real | None = _q(
        "Tokens a request (each call of it, where it makes several) brings, with everything the model reads; best "
        "counted on sample requests of your own. Goes before input_characters.",
        "tokens",
        ge=0,
        le=1e8,
    )
    output_tokens: Real | None = _q(
        "Tokens a request (each call of it) gives back, with hidden reasoning unless reasoning_tokens says it. Goes "
        "before output_characters.",
        "tokens",
        ge=0,
        le=1e8,
    )
    cached_fraction: Real | None = _q(
        "Part of the input tokens that is the same from call to call, so that a prefix cache can hold it.",
        "fraction",
        ge=0,
        le=1,
    )
    input_characters: Real | None = _q(
        "Characters (Unicode) a request (each call of it) brings; tokens are counted from them where input_tokens is "
        "not said.",
        "characters",
        ge=0,
        le=1e9,
    )
    output_characters: Real | None = _q(
        "Characters (Unicode) a request (each call of it) gives back; tokens are counted from them where "
        "output_tokens is not said.",
        "characters",
        ge=0,
        le=1e9,
    )
    language: Language | None = _f("Language of those characters, ISO 639-1, such as en, de or zh.")
    calls_per_request: Real | None = _q(
        "Model calls that one request makes: the turns of an agent, the steps of a chain.", "calls", ge=1, le=10_000
    )
    reasoning_tokens: Real | None = _q(
        "Hidden reasoning tokens of a call, as the usage records of your sample requests show; billed as output, and "
        "not in output_tokens.",
        "tokens",
        ge=0,
        le=1e8,
    )
    retry_fraction: Real | None = _q("Calls sent again ÷ answers used.", "fraction", ge=0, le=10)
    cache_ttl_minutes: Real | None = _q(
        "How long the provider keeps a cached prefix; every call shares one prefix.", "minutes", gt=0, le=1e6
    )
    cache_write_fraction: Real | None = _q(
        "Part of the cacheable input tokens that is written to the cache instead of read from it, as your usage "
        "records show; goes before cache_ttl_minutes.",
        "fraction",
        ge=0,
        le=1,
    )


class Targets(Section):
    """What the workload has to keep."""

    latency_p99_ms: Real | None = _q("Response time that 99 % of the requests keep.", "ms", gt=0, le=1e9)
    ttft_p95_ms: Real | None = _q("Time to the first token that 95 % keep.", "ms", gt=0, le=1e9)
    tpot_p95_ms: Real | None = _q("Time for each further token that 95 % keep.", "ms", gt=0, le=1e9)
    deadline_days: Real | None = _q("Longest time one run or one batch may take.", "days", gt=0, le=10_000)
    availability: Real | None = _q("Share of the time in which it answers, such as 99.9.", "percent", ge=50, lt=100)
    rto_minutes: Real | None = _q("Longest outage after a disaster.", "minutes", ge=0, le=1e7)
    rpo_minutes: Real | None = _q("Longest stretch of lost data after a disaster.", "minutes", ge=0, le=1e7)


class Training(Section):
    """One training run, and how often it is run."""

    tokens: Real | None = _q("Tokens one run trains on, all epochs together.", "tokens", gt=0, le=1e17)
    global_batch_tokens: Real | None = _q("Tokens in one optimiser step.", "tokens", gt=0, le=1e12)
    sequence_length: Whole | None = _q("Tokens in one sequence.", "tokens", ge=1, le=100_000_000)
    precision: Precision | None = _f("Number format of the matrix products.")
    method: Literal["full", "lora", "qlora"] | None = _f("full: all weights; lora and qlora: adapters only.")
    runs_per_month: Real | None = _q("Full runs in a month.", "runs/month", ge=0, le=10_000)
    experiment_overhead: Real | None = _q(
        "Accelerator time of experiments and failed runs ÷ that of the runs.", "ratio", ge=0, le=100
    )


class Data(Section):
    """Where the workload's data lie and how much of it leaves."""

    stored_tb: Real | None = _q("Data the workload keeps.", "TB, decimal", ge=0, le=1e7)
    egress_gb_per_month: Real | None = _q("Data it sends out of the cloud.", "GB/month, decimal", ge=0, le=1e10)
    located_in: Location | None = _f("Where the data lie today, as provider:region.")


class Code(Section):
    """What the code is made of, as far as it binds the choice of silicon."""

    frameworks: Words | None = _f("Languages and frameworks of this workload.")
    custom_kernels: Whole | None = _q(
        "Kernels the team wrote for one kind of accelerator.", "kernels", ge=0, le=100_000
    )
    unsupported_ops: Words | None = _f("Operators known to be missing outside the present silicon.")
    image_arch: Annotated[tuple[Literal["amd64", "arm64"], ...], Field(max_length=2)] | None = _f(
        "Processors for which images are built."
    )


class Measured(Section):
    """What the team measured itself: other options are scaled from it, with a wider range."""

    on: Word | None = _f("The instance it was measured on, such as c6i.4xlarge or aws/c6i.4xlarge.")
    work_unit: Word | None = _f("What is counted: request, image, token, sample …")
    units_per_s: Real | None = _q("Rate of one whole instance at the latency you accept.", "units/s", gt=0, le=1e12)
    hours_per_month: Real | None = _q("Instance hours that the work takes.", "instance hours/month", ge=0, le=1e9)


def _model_form(value: Any) -> str:
    if isinstance(value, (ManagedModel, InlineModel)):
        return "<managed>" if isinstance(value, ManagedModel) else "<shape>"
    if isinstance(value, Mapping):
        return "<managed>" if "acceptable" in value else "<shape>"
    return "<id>"


Model = Annotated[
    # A client made from the JSON schema tries the forms in this order: the one that takes any mapping comes last.
    Annotated[Word, Tag("<id>")] | Annotated[ManagedModel, Tag("<managed>")] | Annotated[InlineModel, Tag("<shape>")],
    Discriminator(_model_form),
]


class Serving(Section):
    """How a model of one's own is served, where the team has decided that."""

    weight_format: Literal["bf16", "fp8", "int8", "int4", "nvfp4", "mxfp4"] | None = _f(
        "Format in which the weights are served; null means as their maker publishes them. int4 is weights only "
        "(AWQ, GPTQ): the chip computes in 16 bits."
    )
    cache_format: Literal["bf16", "fp8"] | None = _f(
        "Format in which keys and values are kept; null means 8 bits with 8- or 4-bit arithmetic, else 16."
    )
    accepted_tokens: Real | None = _q(
        "Tokens that speculative decoding yields a step, as measured on your own requests; 1 is none.",
        "tokens",
        ge=1,
        le=16,
    )
    disaggregated: bool | None = _f("Whether prompts are read on replicas of their own.")


class Workload(Section):
    """One kind of work with its own stack; infrastructure may differ between the workloads of one decision."""

    id: Slug = Field(description="Short name that flows and the report refer to.")
    name: Text | None = _f("Name for people.")
    kind: Kind = Field(description="What kind of work it is; it decides which questions are asked.")
    model: Model | None = _f(
        "An architecture id of the catalog, or the shape of a transformer, or (managed_api) the acceptable families; "
        "null for work that is no transformer."
    )
    traffic: Annotated[Traffic, BeforeValidator(_section)] = Traffic()
    targets: Annotated[Targets, BeforeValidator(_section)] = Targets()
    training: Training | None = _f("For pretraining and finetuning.")
    data: Annotated[Data, BeforeValidator(_section)] = Data()
    code: Annotated[Code, BeforeValidator(_section)] = Code()
    measured: Measured | None = _f("Figures of the team's own.")
    serving: Annotated[Serving, BeforeValidator(_section)] = Serving()
    utilisation: Real | None = _q("Share of the paid time in which the hardware is to be busy.", "fraction", gt=0, le=1)


class Flow(Section):
    """Data that one workload sends to another."""

    from_: Slug = Field(alias="from", description="Workload id of the sender.")
    to: Slug = Field(description="Workload id of the receiver.")
    gb_per_month: Real = Field(
        description="How much is sent. [GB/month, decimal]",
        ge=0,
        le=1e10,
        json_schema_extra={"unit": "GB/month, decimal"},
    )


class Document(Section):
    """One decision: one or more workloads, who asks, what must hold, what is wanted."""

    version: Literal[1] = Field(default=1, description="Version of this schema.")
    decision: Text | None = _f("What is to be decided, as a title.")
    organisation: Annotated[Organisation, BeforeValidator(_section)] = Organisation()
    current: Annotated[Current, BeforeValidator(_section)] = Current()
    team: Annotated[Team, BeforeValidator(_section)] = Team()
    constraints: Annotated[Constraints, BeforeValidator(_section)] = Constraints()
    horizon: Annotated[Horizon, BeforeValidator(_section)] = Horizon()
    preferences: Annotated[Preferences, BeforeValidator(_section)] = Preferences()
    commercial: Annotated[Commercial, BeforeValidator(_section)] = Commercial()
    coupling_weights: Annotated[CouplingWeights, BeforeValidator(_section)] = CouplingWeights()
    workloads: Annotated[tuple[Workload, ...], Field(max_length=20), BeforeValidator(lambda value: value or ())] = (
        Field(default=(), description="The work to place, at least one.")
    )
    flows: Annotated[tuple[Flow, ...], Field(max_length=100), BeforeValidator(lambda value: value or ())] = Field(
        default=(), description="Data between the workloads."
    )
