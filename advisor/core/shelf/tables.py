"""The tables that people browse: what each holds, which columns a list shows, by what it can be narrowed."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column of a list. ``unit`` stands in its heading, so that the cells hold bare figures."""

    name: str
    heading: str
    unit: str = ""


@dataclass(frozen=True)
class Filter:
    """One way to narrow a list: rows whose column equals the value, or holds it among several (``a;b``)."""

    name: str
    label: str
    column: str
    among: bool = False
    is_quiet: bool = False  # offered only where an address sets it: too many values to choose from


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table: ``prefix`` begins the evidence ids of its rows, ``label`` names the column that names a row."""

    name: str
    title: str
    one: str  # of what a row is
    lead: str
    layer: str
    prefix: str
    label: str
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...]
    searched: tuple[str, ...]
    compares: bool = False

    def id_of(self, row_id: str) -> str:
        """Return the evidence id of a row."""
        return f"{self.prefix}{row_id}"


_PROVIDER = Filter("provider", "Provider", "provider")
_PROVIDERS = Filter("provider", "Provider", "providers", among=True)
_REGION = Filter("region", "Region", "region")
_KIND = Filter("kind", "Kind of figure", "kind")
_AGE = Filter("age", "Age", "freshness")
_STATUS = Column("status", "Status")

OFFER_PRICES = (
    Column("price_usd_per_hour", "Price", "USD per hour"),
    Column("price_usd_per_accelerator_hour", "Per accelerator", "USD per hour"),
    Column("price_usd_per_accelerator_gib_hour", "Per GiB of its memory", "USD per hour"),
    Column("price_usd_per_memory_gib_hour", "Per GiB of main memory", "USD per hour"),
)

_TABLES = (
    Table(
        name="offers",
        title="Offers",
        one="offer",
        lead="One instance in one region on one way to buy, with its list price or the reason why it has none.",
        layer="compute",
        prefix="offer:",
        label="sku",
        columns=(
            Column("region", "Region"),
            Column("basis", "Way to buy"),
            Column("accelerator_name", "Accelerator"),
            *OFFER_PRICES,
        ),
        filters=(
            _PROVIDER,
            _REGION,
            Filter("accelerator", "Accelerator", "accelerator"),
            Filter("basis", "Way to buy", "basis"),
            Filter("priced", "Price", "priced"),
            Filter("sku", "Instance", "sku", is_quiet=True),
            Filter("terms", "Terms", "terms_id", is_quiet=True),
            _KIND,
            _AGE,
        ),
        searched=("id", "sku", "accelerator", "accelerator_name", "accelerator_vendor", "cpu_family", "country"),
    ),
    Table(
        name="instances",
        title="Instances",
        one="instance",
        lead="Every shape that can be rented or has been announced: processors, memory, accelerators, network.",
        layer="compute",
        prefix="instance:",
        label="sku",
        columns=(
            Column("provider", "Provider"),
            Column("accelerator", "Accelerator"),
            Column("accelerators_count", "Accelerators"),
            Column("vcpus_count", "vCPUs"),
            Column("memory_gib", "Memory", "GiB"),
            Column("network_gbps", "Network", "Gbit/s"),
            Column("fabric_gbps", "Fabric", "Gbit/s"),
            Column("self_serve", "In the public API"),
        ),
        filters=(
            _PROVIDER,
            Filter("accelerator", "Accelerator", "accelerator"),
            Filter("cpu", "CPU family", "cpu_family"),
            Filter("isa", "Instruction set", "host_isa"),
            Filter("self_serve", "In the public API", "self_serve"),
            _KIND,
            _AGE,
        ),
        searched=("id", "sku", "accelerator", "cpu_family", "fabric_type", "status", "note"),
        compares=True,
    ),
    Table(
        name="cpu-families",
        title="CPU families",
        one="CPU family",
        lead="Processors of the three clouds by generation. A maker's claim is shown as one and never computed with.",
        layer="compute",
        prefix="cpu_family:",
        label="name",
        columns=(
            Column("provider", "Provider"),
            Column("isa", "Instruction set"),
            Column("core", "Core"),
            Column("generation_order", "Generation"),
            _STATUS,
        ),
        filters=(_PROVIDER, Filter("isa", "Instruction set", "isa"), _AGE),
        searched=("id", "name", "core", "sku_families", "note"),
    ),
    Table(
        name="terms",
        title="Terms of purchase",
        one="set of terms",
        lead="What each way to buy demands: how long, how far ahead, paid when, taken back or not.",
        layer="compute",
        prefix="terms:",
        label="label",
        columns=(
            Column("provider", "Provider"),
            Column("basis", "Way to buy"),
            Column("min_duration_days", "At least", "days"),
            Column("max_duration_days", "At most", "days"),
            Column("prepaid", "Prepaid"),
            Column("capacity_guaranteed", "Capacity promised"),
            Column("interruptible", "Can be taken back"),
        ),
        filters=(_PROVIDER, Filter("basis", "Way to buy", "basis"), _AGE),
        searched=("id", "basis", "sku_glob", "end_behaviour", "note"),
    ),
    Table(
        name="accelerators",
        title="Accelerators",
        one="accelerator",
        lead="Chips of every maker on the three clouds. Peaks are dense; memory is what the interface reports.",
        layer="accelerator",
        prefix="accelerator:",
        label="name",
        columns=(
            Column("vendor", "Maker"),
            Column("providers", "Providers"),
            Column("memory_gib", "Memory", "GiB"),
            Column("memory_bandwidth_gb_per_s", "Bandwidth", "GB/s"),
            Column("bf16_tflops", "BF16, dense", "TFLOP/s"),
            Column("fp8_tflops", "FP8, dense", "TFLOP/s"),
            Column("offered", "Offered"),
        ),
        filters=(
            _PROVIDERS,
            Filter("vendor", "Maker", "vendor"),
            Filter("offered", "Offered", "offered"),
            Filter("software", "Software stack", "software_stack"),
            _KIND,
            _AGE,
        ),
        searched=("id", "name", "vendor", "generation", "software_stack", "scaleup_name", "status", "note"),
        compares=True,
    ),
    Table(
        name="accelerator-regions",
        title="Accelerators by region",
        one="sighting",
        lead="Where an accelerator was seen. Each row is a sighting; that a row is missing proves nothing.",
        layer="accelerator",
        prefix="accelerator_region:",
        label="label",
        columns=(
            Column("accelerator", "Accelerator"),
            Column("region", "Region"),
            Column("skus", "Instances"),
            Column("seen", "What was seen"),
            Column("strength", "How strong"),
        ),
        filters=(_PROVIDER, _REGION, Filter("accelerator", "Accelerator", "accelerator"), _AGE),
        searched=("id", "skus"),
    ),
    Table(
        name="networking",
        title="Networking options",
        one="networking option",
        lead="How instances and accelerators reach each other.",
        layer="networking",
        prefix="option:networking/",
        label="name",
        columns=(
            Column("provider", "Provider"),
            Column("category", "Sort"),
            Column("max_gbps_per_node", "At most", "Gbit/s per node"),
            Column("proprietary", "One provider's own"),
            Column("open_api", "Open interface"),
            _STATUS,
        ),
        filters=(_PROVIDER, Filter("category", "Sort", "category"), _KIND, _AGE),
        searched=("id", "name", "category", "transport", "supported_by", "accelerators", "note"),
    ),
    Table(
        name="egress",
        title="Data transfer prices",
        one="transfer price",
        lead="What data costs that leaves a region or cloud, tier by tier. Zero stands only where a source says free.",
        layer="networking",
        prefix="egress:",
        label="label",
        columns=(
            Column("provider", "Provider"),
            Column("region", "Region"),
            Column("purpose", "Purpose"),
            Column("from_gb", "From", "GB a month"),
            Column("to_gb", "To", "GB a month"),
            Column("price_usd_per_gb", "Price", "USD per GB"),
        ),
        filters=(_PROVIDER, _REGION, Filter("purpose", "Purpose", "purpose"), _KIND, _AGE),
        searched=("id", "purpose", "conditions", "note"),
    ),
    Table(
        name="storage",
        title="Storage options",
        one="storage option",
        lead="Object, file, block and local storage of the three clouds.",
        layer="storage",
        prefix="option:storage/",
        label="name",
        columns=(
            Column("provider", "Provider"),
            Column("category", "Sort"),
            Column("protocol", "Protocol"),
            Column("max_throughput_gb_per_s", "At most", "GB/s"),
            Column("rdma", "RDMA"),
            _STATUS,
        ),
        filters=(_PROVIDER, Filter("category", "Sort", "category"), _KIND, _AGE),
        searched=("id", "name", "category", "protocol", "portable_format", "note"),
    ),
    Table(
        name="storage-prices",
        title="Storage prices",
        one="storage price",
        lead="Per decimal GB and month; meters that bill GiB under the name GB are converted.",
        layer="storage",
        prefix="storage_price:",
        label="product",
        columns=(
            Column("tier", "Tier"),
            Column("provider", "Provider"),
            Column("region", "Region"),
            Column("category", "Sort"),
            Column("price_usd_per_gb_month", "Price", "USD per GB and month"),
        ),
        filters=(_PROVIDER, _REGION, Filter("category", "Sort", "category"), _KIND, _AGE),
        searched=("id", "product", "tier", "category", "option_id"),
    ),
    Table(
        name="orchestration",
        title="Orchestration options",
        one="orchestration option",
        lead="What starts the work and keeps it running: services, Kubernetes, schedulers, libraries.",
        layer="orchestration",
        prefix="option:orchestration/",
        label="name",
        columns=(
            Column("provider", "Provider"),
            Column("category", "Sort"),
            Column("purposes", "For"),
            Column("operations_burden", "Work to run it"),
            Column("portable", "Portable"),
            Column("price_usd_per_cluster_hour", "Cluster", "USD per hour"),
        ),
        filters=(
            _PROVIDER,
            Filter("category", "Sort", "category"),
            Filter("purpose", "For", "purposes", among=True),
            _KIND,
            _AGE,
        ),
        searched=("id", "name", "category", "purposes", "job_api", "note"),
    ),
    Table(
        name="model-offers",
        title="Managed model offers",
        one="model offer",
        lead="One model on one platform in one scope, with its prices per million tokens.",
        layer="model_layer",
        prefix="model_offer:",
        label="model_id",
        columns=(
            Column("platform", "Platform"),
            Column("vendor", "Maker"),
            Column("scope", "Scope"),
            Column("context_window_tokens", "Context", "tokens"),
            Column("input_usd_per_mtok", "Input", "USD per million"),
            Column("output_usd_per_mtok", "Output", "USD per million"),
            Column("retirement_date", "Retires"),
        ),
        filters=(
            _PROVIDER,
            Filter("vendor", "Maker", "vendor"),
            Filter("scope", "Scope", "scope"),
            Filter("region", "Listed region", "regions", among=True),
            Filter("mode", "Mode", "mode"),
            Filter("retired", "Retirement has come", "retired"),
            Filter("family", "Family", "family", is_quiet=True),
            Filter("licence", "Licence", "licence_id", is_quiet=True),
            Filter("architecture", "Architecture", "architecture_id", is_quiet=True),
            Filter("open", "Open weights", "open_weights"),
            _KIND,
            _AGE,
        ),
        searched=("id", "model_id", "family", "vendor", "platform", "scope"),
        compares=True,
    ),
    Table(
        name="architectures",
        title="Model architectures",
        one="model architecture",
        lead="The shapes of models: parameters, cache of keys and values, context, licence.",
        layer="model_layer",
        prefix="architecture:",
        label="name",
        columns=(
            Column("params_total", "Parameters"),
            Column("params_active", "Active a token"),
            Column("kv_cache_bytes_per_token", "KV cache, 16 bits", "bytes per token"),
            Column("context_max_tokens", "Context", "tokens"),
            Column("attention", "Attention"),
            Column("licence_id", "Licence"),
        ),
        filters=(
            Filter("open", "Open weights", "open_weights"),
            Filter("licence", "Licence", "licence_id"),
            Filter("attention", "Attention", "attention"),
            _KIND,
            _AGE,
        ),
        searched=("id", "name", "family", "aliases", "licence_id", "note"),
        compares=True,
    ),
    Table(
        name="model-vendors",
        title="Model makers by platform",
        one="maker on a platform",
        lead="What a platform says of each maker's models. Nothing is taken over from the service as a whole.",
        layer="model_layer",
        prefix="model_vendor:",
        label="vendor",
        columns=(
            Column("platform", "Platform"),
            Column("relation", "Relation"),
            Column("example_models", "For instance"),
            Column("exclusive", "Here only"),
            Column("residency", "Residency"),
        ),
        filters=(_PROVIDER, Filter("vendor", "Maker", "vendor"), _AGE),
        searched=("id", "vendor", "platform", "example_models"),
    ),
    Table(
        name="licences",
        title="Licences of models",
        one="licence",
        lead="What the licences of weights allow, and to whom they forbid it.",
        layer="model_layer",
        prefix="licence:",
        label="name",
        columns=(
            Column("spdx", "SPDX"),
            Column("open_weights", "Open weights"),
            Column("commercial_use", "Commercial use"),
        ),
        filters=(Filter("commercial", "Commercial use", "commercial_use"), _AGE),
        searched=("id", "name", "spdx", "note"),
    ),
    Table(
        name="regions",
        title="Regions",
        one="region",
        lead="Where the three clouds stand, in which country, and how much carbon their grid emits.",
        layer="across",
        prefix="region:",
        label="region",
        columns=(
            Column("name", "Name"),
            Column("provider", "Provider"),
            Column("country", "Country"),
            Column("in_eu", "In the EU"),
            Column("sovereignty", "Partition"),
            Column("grid_gco2e_per_kwh", "Grid", "gCO₂e per kWh"),
        ),
        filters=(
            _PROVIDER,
            Filter("geography", "Geography", "geography"),
            Filter("country", "Country", "country"),
            Filter("eu", "In the EU", "in_eu"),
            _AGE,
        ),
        searched=("id", "region", "name", "geography", "country"),
    ),
    Table(
        name="rules",
        title="Compatibility rules",
        one="rule",
        lead="What goes together and what does not. Hard rules remove an option, soft ones warn.",
        layer="across",
        prefix="rule:",
        label="title",
        columns=(
            Column("id", "No."),
            Column("layers", "Between"),
            Column("severity", "Severity"),
            Column("rule_kind", "Sort"),
        ),
        filters=(
            Filter("layer", "Layer", "layers", among=True),
            Filter("severity", "Severity", "severity"),
            Filter("sort_of", "Sort", "rule_kind"),
            _KIND,
            _AGE,
        ),
        searched=("id", "title", "message", "when", "require"),
    ),
    Table(
        name="coupling",
        title="Coupling observations",
        one="coupling observation",
        lead="What binds two layers on a provider and path: seven observations, judgements with their reason.",
        layer="across",
        prefix="coupling:",
        label="label",
        columns=(
            Column("provider", "Provider"),
            Column("path", "Path"),
            Column("pair", "Layers"),
            Column("coupling_score", "Score", "0 to 1"),
            Column("coupling_band", "Band"),
        ),
        filters=(
            _PROVIDER,
            Filter("path", "Path", "path"),
            Filter("layer", "Layer", "both_layers", among=True),
            Filter("band", "Band", "coupling_band"),
            _AGE,
        ),
        searched=("id", "option_a", "option_b", "evidence", "note"),
    ),
)
TABLES: Mapping[str, Table] = {table.name: table for table in _TABLES}

LAYERS: Mapping[str, str] = {
    "compute": "Compute",
    "accelerator": "Accelerators",
    "networking": "Networking",
    "storage": "Storage",
    "orchestration": "Orchestration",
    "model_layer": "Model layer",
    "across": "Across the layers",
}
