"""Frozen records of the catalog's data files, one class a table. A row that does not fit does not load.

Columns of a CSV are the field names below; a blank cell is ``None`` (unknown), never zero. In CSV a list is
``a;b;c`` and a truth is ``yes`` or ``no``; in YAML both are what YAML makes of them. ``files.py`` names each file.
"""

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

Provider = Literal["aws", "azure", "gcp"]
Layer = Literal["compute", "accelerator", "networking", "storage", "orchestration", "model_layer"]
Kind = Literal["list price", "specification", "published benchmark", "judgement", "assumption", "estimate"]
AsOfBasis = Literal["stated", "source commit", "fetched", "undated"]
Basis = Literal[
    "on_demand",
    "spot",
    "commitment_1y",
    "commitment_3y",
    "savings_plan_1y",
    "savings_plan_3y",
    "capacity_block",
    "flex_start",
    "calendar_reservation",
]
Isa = Literal["x86_64", "arm64"]
Confidence = Literal["high", "medium", "low"]


OPERATORS = ("gt", "ge", "lt", "le", "ne")  # of a bound in a rule: {"le": 64}


def _conditions(value: Any) -> Any:
    for name, wanted in value.items() if isinstance(value, dict) else ():
        for operator in wanted if isinstance(wanted, dict) else ():
            if operator not in OPERATORS:
                raise ValueError(f"{name}: unknown operator {operator!r}, known are {', '.join(OPERATORS)}")
        if wanted is None or wanted in ([], {}):
            raise ValueError(f"{name}: no value is wanted, so nothing could meet it")
    return value


def _split(value: Any) -> Any:
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(";") if part.strip())
    return value


def _truth(value: Any) -> Any:
    return {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value


Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@+*-]*$", max_length=200)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_split)]
Ids = Annotated[tuple[Id, ...], BeforeValidator(_split)]
YesNo = Annotated[bool, BeforeValidator(_truth)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Price = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
Bit = Annotated[int, Field(ge=0, le=1)]
Conditions = Annotated[dict[str, Any], BeforeValidator(_conditions)]


class Record(BaseModel):
    """A frozen row that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Evidenced(Record):
    """A row that says who says so: five columns without a default, in every table."""

    source_id: Id
    locator: Text
    observed_at: dt.date | None
    as_of_basis: AsOfBasis
    kind: Kind

    @model_validator(mode="after")
    def _date_agrees_with_basis(self) -> Self:
        if (self.observed_at is None) != (self.as_of_basis == "undated"):
            raise ValueError(
                f"observed_at is {self.observed_at} but as_of_basis is {self.as_of_basis!r}; "
                "a blank date goes with 'undated', a date with 'stated', 'source commit' or 'fetched'"
            )
        return self


class Source(Record):
    """Who published a figure: sources*.yaml."""

    id: Id
    publisher: Text
    title: Text
    url_or_repo: Text
    licence: Text  # "none stated" where the publisher names none
    retrieved: dt.date
    dated: dt.date | None = None
    note: str | None = None


class Accelerator(Evidenced):
    """accelerators.csv. Peaks are dense; memory is what the interface reports, in GiB; scale-up is both directions."""

    id: Id
    name: Text
    vendor: Text
    generation: Text | None = None
    providers: Annotated[tuple[Provider, ...], BeforeValidator(_split)]
    offered: Literal["yes", "no", "announced", "internal"]
    access: Text | None = None
    bf16_tflops: Positive | None = None
    fp16_tflops: Positive | None = None
    fp8_tflops: Positive | None = None
    fp4_tflops: Positive | None = None
    int8_tops: Positive | None = None
    memory_gib: Positive | None = None
    memory_bandwidth_gb_per_s: Positive | None = None
    scaleup_name: Text | None = None
    scaleup_gb_per_s: Positive | None = None
    scaleup_domain_accelerators: Annotated[int, Field(ge=1)] | None = None
    tdp_w: Positive | None = None
    ga_date: Annotated[str, StringConstraints(pattern=r"^\d{4}(-\d\d(-\d\d)?)?$")] | None = None
    software_stack: Literal["cuda", "rocm", "neuron", "xla", "maia", "synapse"]
    frameworks: Texts
    trains: Literal["yes", "no", "small"]
    serves: Literal["yes", "no"]
    status: Text
    confidence: Confidence
    note: str | None = None


class CpuFamily(Evidenced):
    """cpu_families.csv."""

    id: Id
    name: Text
    provider: Provider
    isa: Isa
    core: Text | None = None
    sku_families: Texts
    claim: Text | None = None  # a vendor's or tester's statement, shown as such, never used as a factor
    claim_kind: Literal["vendor", "independent", "customer"] | None = None
    status: Text
    ga_date: Annotated[str, StringConstraints(pattern=r"^\d{4}(-\d\d(-\d\d)?)?$")] | None = None
    generation_order: Annotated[int, Field(ge=1)]  # 1 is the oldest of its provider and line
    arm_image_needed: YesNo
    note: str | None = None


class Instance(Evidenced):
    """instances.csv: one rentable (or announced) shape."""

    id: Id  # provider/sku
    provider: Provider
    sku: Id
    accelerator: Id | None = None
    accelerators_count: Positive | None = None  # fractional for sliced GPUs
    cpu_family: Id | None = None
    vcpus_count: Positive | None = None
    memory_gib: Positive | None = None
    host_isa: Isa | None = None
    local_nvme_tb: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    network_gbps: Positive | None = None
    fabric_gbps: Positive | None = None
    fabric_type: Text | None = None
    intra_node_fabric: Text | None = None
    scaleup_domain_accelerators: Annotated[int, Field(ge=1)] | None = None
    self_serve: Literal["yes", "no", "unknown"]
    status: Text
    note: str | None = None


class Offer(Evidenced):
    """offers.csv: one SKU in one region on one purchase basis. No price means no public price, with the reason."""

    id: Id  # provider/region/sku/basis
    provider: Provider
    region: Id
    sku: Id
    basis: Basis
    price_usd_per_hour: Price | None = None
    unit: Literal["instance_hour"]
    no_price_reason: Text | None = None
    effective_from: dt.date | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _price_or_reason(self) -> Self:
        if (self.price_usd_per_hour is None) != (self.no_price_reason is not None):
            raise ValueError("a row has either price_usd_per_hour or no_price_reason; give exactly one")
        return self


class PriceException(Evidenced):
    """price_exceptions.yaml: a price outside its family's spread that was looked at and stands."""

    id: Id  # the offer's id
    reason: Text


class Terms(Evidenced):
    """terms.yaml: what a purchase basis demands. The most specific sku_glob (the longest) that matches holds."""

    id: Id
    provider: Provider
    basis: Basis
    sku_glob: Text = "*"
    min_duration_days: Positive | None = None
    max_duration_days: Positive | None = None
    increment_days: Positive | None = None
    lead_time_days: Annotated[float, Field(ge=0)] | None = None  # shortest notice before the start
    max_lead_time_days: Positive | None = None  # how far ahead a start can be booked
    max_quantity: Annotated[int, Field(ge=1)] | None = None
    prepaid: bool | None = None
    cancellable: bool | None = None
    capacity_guaranteed: bool | None = None
    interruptible: bool | None = None
    end_behaviour: Text
    note: str | None = None


class Region(Evidenced):
    """regions.csv."""

    id: Id  # provider/region
    provider: Provider
    region: Id
    name: Text
    geography: Text
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    in_eu: YesNo
    sovereignty: Text | None = None
    model_api: Text | None = None
    grid_gco2e_per_kwh: Annotated[float, Field(ge=0, le=2000)] | None = None
    carbon_source: Text | None = None
    note: str | None = None


class AcceleratorRegion(Evidenced):
    """accelerator_regions.csv: positive evidence only; absence proves nothing."""

    id: Id  # provider/region/accelerator
    provider: Provider
    region: Id
    accelerator: Id
    skus: Ids
    basis: Text
    strength: Literal["strong", "weak"]
    note: str | None = None


class Architecture(Evidenced):
    """architectures.csv: the shape of a model. Parameter counts are absolute numbers (8.03e9), not billions."""

    id: Id
    name: Text
    family: Text
    layers: Annotated[int, Field(ge=1)]
    hidden: Annotated[int, Field(ge=1)]
    heads: Annotated[int, Field(ge=1)]
    kv_heads: Annotated[int, Field(ge=1)]
    head_dim: Annotated[int, Field(ge=1)]
    ffn_hidden: Annotated[int, Field(ge=1)] | None = None  # blank where every layer is a mixture of experts
    ffn_kind: Literal["gated", "plain"]
    vocab: Annotated[int, Field(ge=1)]
    tied_embeddings: YesNo
    attention: Literal["mha", "gqa", "mqa", "mla"]
    kv_lora_rank: Annotated[int, Field(ge=1)] | None = None
    sliding_window: Annotated[int, Field(ge=1)] | None = None  # tokens
    windowed_layers: Annotated[int, Field(ge=1)] | None = None  # how many layers the window holds for; blank = all
    experts_count: Annotated[int, Field(ge=1)] | None = None
    experts_active: Annotated[int, Field(ge=1)] | None = None
    experts_shared: Count | None = None
    expert_hidden: Annotated[int, Field(ge=1)] | None = None
    dense_layers: Count | None = None  # of a mixture of experts: layers with one plain feed-forward instead of experts
    q_lora_rank: Annotated[int, Field(ge=1)] | None = None  # mla only; with the two below it reproduces the parameters
    rope_head_dim: Annotated[int, Field(ge=1)] | None = None
    value_head_dim: Annotated[int, Field(ge=1)] | None = None
    learned_positions: Annotated[int, Field(ge=1)] | None = None  # rows of a learned position table
    params_total: Positive
    params_active: Positive  # touched by one token, embeddings included
    params_basis: Literal["recomputed", "stated"]  # from the shape, or the vendor's word
    params_stated: Positive | None = None
    params_active_stated: Positive | None = None
    context_max_tokens: Annotated[int, Field(ge=1)] | None = None
    open_weights: YesNo
    licence_id: Id | None = None
    aliases: Texts = ()
    note: str | None = None

    @model_validator(mode="after")
    def _shape_is_whole(self) -> Self:
        if self.params_active > self.params_total:
            raise ValueError("params_active exceeds params_total")
        if (self.experts_count is None) != (self.experts_active is None):
            raise ValueError("experts_count and experts_active go together")
        if self.attention == "mla" and self.kv_lora_rank is None:
            raise ValueError("mla attention needs kv_lora_rank")
        if not 1e5 <= self.params_total <= 1e14:
            raise ValueError(f"params_total is {self.params_total:g}, expected 1e5-1e14; is it in billions?")
        return self


class ModelOffer(Evidenced):
    """model_offers.csv: one model on one platform and scope, with token prices. A family's clouds are computed."""

    id: Id
    provider: Provider
    platform: Text
    vendor: Text | None = None  # blank where the source names none
    model_id: Text
    family: Text
    mode: Text
    scope: Text  # global, a geography, a region, data zone …; "unstated" where the source says nothing
    regions: Ids = ()
    context_window_tokens: Annotated[int, Field(ge=1)] | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    input_usd_per_mtok: Price | None = None
    output_usd_per_mtok: Price | None = None
    cached_input_usd_per_mtok: Price | None = None
    cache_write_usd_per_mtok: Price | None = None
    batch_input_usd_per_mtok: Price | None = None
    batch_output_usd_per_mtok: Price | None = None
    long_context_input_usd_per_mtok: Price | None = None
    long_context_output_usd_per_mtok: Price | None = None
    long_context_threshold_tokens: Annotated[int, Field(ge=1)] | None = None
    no_price_reason: Text | None = None
    retirement_date: dt.date | None = None
    open_weights: YesNo | None = None
    licence_id: Id | None = None
    architecture_id: Id | None = None  # the shape of the same weights, where the catalog holds it
    note: str | None = None


class ModelVendor(Evidenced):
    """model_vendors.csv: one vendor on one platform. Nothing is inherited from the service: blank is unknown."""

    id: Id  # provider/vendor
    provider: Provider
    platform: Text
    vendor: Text
    relation: Text
    example_models: Texts
    exclusive: YesNo | None = None
    api_styles: Texts = ()
    fine_tuning: Text | None = None
    provisioned_throughput: Text | None = None
    residency: Text | None = None
    accelerator_visible: YesNo | None = None
    note: str | None = None


class Condition(Record):
    """One condition in the language of the rules: when these facts hold, those are required."""

    id: Id
    when: Conditions = {}
    require: Conditions
    severity: Literal["hard", "soft"]
    message: Text


class Licence(Evidenced):
    """licences.yaml. A model whose licence is unknown is blocked by the missing licence_id, not by a row here."""

    id: Id
    name: Text
    spdx: Text | None = None
    url: Text | None = None
    open_weights: bool
    commercial_use: Literal["yes", "no", "conditional"]
    conditions: tuple[Condition, ...] = ()
    note: str | None = None


class NetworkingOption(Evidenced):
    """networking.yaml."""

    id: Id
    provider: Provider
    name: Text
    category: Text  # inter_node_fabric, scale_up, front_end, virtualisation, datacentre, wide_area
    max_gbps_per_node: Positive | None = None
    transport: Text | None = None
    requires: Texts = ()
    supported_by: Text | None = None
    accelerators: Ids = ()  # accelerator ids or globs it belongs to; none = any shape
    sku_globs: Texts = ()  # where the SKU decides
    proprietary: bool | None = None
    open_api: bool | None = None
    limits: Text | None = None
    status: Text = "offered"
    note: str | None = None


class StorageOption(Evidenced):
    """storage.yaml."""

    id: Id
    provider: Provider
    name: Text
    category: Literal["object", "parallel_file", "file", "block", "local", "cache"]
    protocol: Text | None = None
    throughput_model: Text | None = None
    max_throughput: Text | None = None
    max_throughput_gb_per_s: Positive | None = None
    max_capacity: Text | None = None
    latency: Text | None = None
    rdma: bool | None = None
    object_tier_integration: Text | None = None
    portable_format: Text | None = None
    requires: Texts = ()
    limits: Text | None = None
    status: Text = "offered"
    note: str | None = None


class OrchestrationOption(Evidenced):
    """orchestration.yaml. supported_accelerators are accelerator ids (or globs of them)."""

    id: Id
    provider: Provider
    name: Text
    category: Literal["managed_service", "kubernetes", "scheduler", "toolkit", "library"]
    purposes: tuple[Literal["training", "finetuning", "serving", "batch", "cluster"], ...]
    workload_kinds: Texts = ()  # kinds of the document it runs
    control_plane: Text
    supported_accelerators: Ids = ()
    supported_text: Text | None = None
    job_api: Text | None = None
    open_source_core: Literal["yes", "partly", "no"] | None = None
    portable: Literal["yes", "partly", "no"] | None = None
    operations_burden: Literal["low", "medium", "high"]  # a judgement, with its reason
    operations_reason: Text
    resiliency: Text | None = None
    limits: Text | None = None
    price_usd_per_cluster_hour: Annotated[Decimal, Field(ge=0)] | None = (
        None  # 0 only where the source says "no charge"
    )
    price_reason: Text | None = None
    status: Text = "offered"
    note: str | None = None


class StoragePrice(Evidenced):
    """storage_prices.csv. price_unit says whether the meter's "GB" is decimal; the frame converts to GB."""

    id: Id
    provider: Provider
    region: Id
    option_id: Id | None = None  # the storage option this price belongs to
    category: Text
    product: Text
    tier: Text | None = None
    price_usd_per_gb_month: Price | None = None
    price_unit: Literal["gb_month", "gib_month"]
    iops_price_usd_per_month: Price | None = None
    throughput_price_usd_per_mib_per_s_month: Price | None = None
    request_price: Text | None = None
    no_price_reason: Text | None = None
    confidence: Confidence | None = None
    note: str | None = None


class EgressPrice(Evidenced):
    """egress.csv: one marginal tier. to_gb blank is the last tier; price 0 only where the source says free."""

    id: Id
    provider: Provider
    region: Id | Literal["*"]  # "*" is every region of the provider
    purpose: Literal["ordinary_transfer", "parallel_use", "full_exit", "eu_switch", "inter_region", "cross_zone"]
    from_gb: Annotated[float, Field(ge=0)]
    to_gb: Positive | None = None
    price_usd_per_gb: Annotated[Decimal, Field(ge=0)] | None = None
    free_gb: Annotated[float, Field(ge=0)] | None = None
    effective_from: dt.date | None = None
    no_price_reason: Text | None = None
    conditions: Text | None = None
    note: str | None = None


class Examples(Record):
    """The facts that show a rule passing and failing; check_data runs both."""

    passes: dict[str, Any]
    fails: dict[str, Any]


class Effort(Record):
    """Weeks of work to close a portable gap."""

    low: Annotated[float, Field(ge=0)]
    typical: Annotated[float, Field(ge=0)]
    high: Annotated[float, Field(ge=0)]


class Rule(Evidenced):
    """rules.yaml. A predicate has `require` and examples; a confirm rule is a question to the provider."""

    id: Id
    layers: tuple[Text, Text]  # a layer's name, or provider, software, model, region …
    title: Text
    severity: Literal["hard", "soft"]
    rule_kind: Literal["predicate", "confirm"]
    when: Conditions = {}
    require: Conditions = {}
    message: Text
    examples: Examples | None = None
    effort_weeks: Effort | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _predicate_is_testable(self) -> Self:
        if self.rule_kind == "predicate" and not (self.require and self.examples):
            raise ValueError("a predicate needs require and examples; otherwise make it rule_kind: confirm")
        return self


class Coupling(Evidenced):
    """coupling.csv: what binds two layers, observed as bits."""

    id: Id  # provider/path/layer_a-layer_b
    provider: Provider
    path: Literal["own_silicon", "merchant", "managed_api", "any"]
    layer_a: Layer
    layer_b: Layer | Literal["application"]
    option_a: Text
    option_b: Text
    proprietary_api: Bit
    proprietary_compiler: Bit
    sole_cloud_hardware: Bit
    single_silicon_vendor: Bit
    artifact_not_portable: Bit
    no_open_source_runtime: Bit
    no_alternative: Bit
    alternatives_count: Count | None = None
    migration_steps: Texts = ()  # empty where nothing has to be done
    evidence: Text
    note: str | None = None

    @field_validator("migration_steps")
    @classmethod
    def _counts_work_alone(cls, steps: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse a step that says there is none: each one counts in the score."""
        if any(step.split()[0].rstrip(":").lower() in ("no", "none", "nothing") for step in steps):
            raise ValueError("a step is work to be done; leave it out where there is none")
        return steps
