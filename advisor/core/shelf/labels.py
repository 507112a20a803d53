"""What the catalog's columns are called on a page, in which unit they stand, and the words for their codes."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from advisor.core.age import FRESH, STALE, UNDATED
from advisor.core.bases import BASIS_TEXT
from advisor.core.labels import LAYER_LABELS

UNITS: tuple[tuple[str, str], ...] = (  # the longest ending that fits holds
    ("price_usd_per_accelerator_gib_hour", "USD/GiB-hour"),
    ("price_usd_per_memory_gib_hour", "USD/GiB-hour"),
    ("price_usd_per_accelerator_hour", "USD/accelerator-hour"),
    ("price_usd_per_cluster_hour", "USD/cluster-hour"),
    ("throughput_price_usd_per_mib_per_s_month", "USD/MiB/s-month"),
    ("iops_price_usd_per_month", "USD/IOPS-month"),
    ("_usd_per_gb_month", "USD/GB-month"),
    ("_usd_per_mtok", "USD/million tokens"),
    ("_usd_per_hour", "USD/hour"),
    ("_usd_per_gb", "USD/GB"),
    ("_bytes_per_token", "bytes per token"),
    ("_gco2e_per_kwh", "gCO₂e per kWh"),
    ("_gbps_per_node", "Gbit/s per node"),
    ("_gb_per_s", "GB/s"),
    ("_tflops", "TFLOP/s"),
    ("_tokens", "tokens"),
    ("_tops", "TOP/s"),
    ("_gbps", "Gbit/s"),
    ("_gib", "GiB"),
    ("_days", "days"),
    ("_gb", "GB"),
    ("_tb", "TB"),
    ("_w", "W"),
)
LABELS: Mapping[str, str] = {
    "id": "Id in the catalog",
    "sku": "SKU",
    "isa": "Instruction set",
    "host_isa": "Instruction set of the host",
    "basis": "Way to buy",
    "price_usd_per_hour": "List price of the whole instance",
    "price_usd_per_accelerator_hour": "Price divided by its accelerators",
    "price_usd_per_accelerator_gib_hour": "Price divided by the accelerators' memory",
    "price_usd_per_memory_gib_hour": "Price divided by the main memory",
    "price_reason": "Why there is no price",
    "price_doubt": "Why the price is doubtful",
    "no_price_reason": "Why there is no price",
    "max_quantity": "Most instances in one purchase",
    "max_quantity_count": "Most instances in one purchase",
    "min_duration_days": "Shortest time that can be bought",
    "max_duration_days": "Longest time that can be bought",
    "increment_days": "Step of the time",
    "lead_time_days": "Shortest notice before the start",
    "max_lead_time_days": "How far ahead a start can be booked",
    "prepaid": "Paid whole at the order",
    "cancellable": "Can be given back",
    "capacity_guaranteed": "Capacity is promised",
    "interruptible": "The provider may take it back",
    "sku_glob": "Holds for the SKUs",
    "end_behaviour": "What happens at the end",
    "terms_id": "Terms",
    "vcpus_count": "vCPUs",
    "memory_gib": "Memory",
    "memory_gb": "Main memory",
    "cpu_family": "CPU family",
    "local_nvme_tb": "Local NVMe",
    "network_gbps": "Network",
    "fabric_gbps": "Fabric between instances",
    "fabric_type": "Sort of fabric",
    "intra_node_fabric": "Fabric inside the instance",
    "scaleup_domain_accelerators": "Accelerators in one scale-up domain",
    "scaleup_gb_per_s": "Scale-up link, both directions",
    "scaleup_name": "Scale-up link",
    "self_serve": "Stands in the provider's public API",
    "accelerators_count": "Accelerators",
    "bf16_tflops": "BF16 peak, dense",
    "fp16_tflops": "FP16 peak, dense",
    "fp8_tflops": "FP8 peak, dense",
    "fp4_tflops": "FP4 peak, dense",
    "int8_tops": "INT8 peak, dense",
    "memory_bandwidth_gb_per_s": "Memory bandwidth",
    "tdp_w": "Power, as stated",
    "ga_date": "Generally available since",
    "trains": "Trains models",
    "serves": "Serves models",
    "vendor": "Maker",
    "confidence": "How sure the row is",
    "arm_image_needed": "Needs images for arm64",
    "generation_order": "Generation, 1 the oldest",
    "claim": "What is claimed",
    "claim_kind": "Whose claim",
    "sku_families": "Instance families",
    "grid_gco2e_per_kwh": "Carbon of the grid",
    "carbon_source": "Source of the carbon figure",
    "in_eu": "In the European Union",
    "sovereignty": "Partition",
    "model_api": "Model API seen here",
    "params_total": "Parameters",
    "params_active": "Parameters that one token uses",
    "params_stated": "Parameters, as the maker says",
    "params_active_stated": "Active parameters, as the maker says",
    "params_basis": "Where the count comes from",
    "kv_cache_bytes_per_token": "KV cache of one token, 16 bits a value, windows not applied",
    "kv_heads": "KV heads",
    "kv_lora_rank": "Rank of the compressed keys and values",
    "q_lora_rank": "Rank of the compressed queries",
    "ffn_hidden": "Width of the feed-forward block",
    "ffn_kind": "Sort of feed-forward block",
    "hidden": "Width",
    "vocab": "Vocabulary",
    "head_dim": "Width of a head",
    "sliding_window": "Sliding window, tokens",
    "context_max_tokens": "Longest context",
    "context_window_tokens": "Context window",
    "max_output_tokens": "Longest output",
    "input_usd_per_mtok": "Input",
    "output_usd_per_mtok": "Output",
    "cached_input_usd_per_mtok": "Input read from the cache",
    "cache_write_usd_per_mtok": "Input written to the cache",
    "batch_input_usd_per_mtok": "Input, batch",
    "batch_output_usd_per_mtok": "Output, batch",
    "long_context_input_usd_per_mtok": "Input of a long request",
    "long_context_output_usd_per_mtok": "Output of a long request",
    "long_context_threshold_tokens": "A request is long from",
    "retirement_date": "Retires on",
    "retired": "That day has come",
    "families_clouds": "Clouds that carry the family",
    "licence_id": "Licence",
    "architecture_id": "Architecture",
    "accelerator_visible": "Says which accelerator serves",
    "exclusive": "On this platform only",
    "max_gbps_per_node": "At most, per node",
    "max_throughput_gb_per_s": "Throughput at most",
    "max_throughput": "Throughput, as stated",
    "rdma": "Reached over RDMA",
    "price_usd_per_cluster_hour": "Price of a cluster",
    "price_usd_per_gb_month": "Price",
    "price_unit": "The meter bills",
    "price_usd_per_gb": "Price",
    "from_gb": "From, a month",
    "to_gb": "To, a month",
    "free_gb": "Free, a month",
    "spdx": "SPDX name",
    "rule_kind": "Sort",
    "coupling_score": "Score, 0 free to 1 bound",
    "coupling_band": "Band",
    "seen": "What was seen",
    "skus": "Instances",
    "sku_globs": "SKUs that carry it",
    "requires": "Needs",
    "limits": "Limits",
    "open_api": "Open interface",
    "job_api": "Interface for jobs",
    "api_styles": "Interfaces",
    "proprietary": "One provider's own",
    "operations_burden": "Work to run it",
    "operations_reason": "Why",
    "open_source_core": "Open-source core",
    "supported_text": "Supports, in words",
    "iops_price_usd_per_month": "Price of a provisioned operation per second",
    "throughput_price_usd_per_mib_per_s_month": "Price of provisioned throughput",
    "option_id": "Storage option",
    "option_a": "On the one side",
    "option_b": "On the other side",
    "layer_a": "The one layer",
    "layer_b": "The other layer",
    "experts_count": "Experts in a layer",
    "experts_active": "Experts that one token uses",
    "experts_shared": "Experts that every token uses",
    "expert_hidden": "Width of an expert",
    "dense_layers": "Layers without experts",
    "rope_head_dim": "Part of a head that carries positions",
    "value_head_dim": "Width of a value head",
    "learned_positions": "Learned positions",
    "heads": "Attention heads",
    "alternatives_count": "Other options that could take the place",
}
WORDS: Mapping[str, Mapping[str, str]] = {
    "provider": {"aws": "AWS", "azure": "Azure", "gcp": "Google Cloud"},
    "layer": LAYER_LABELS,
    "layer_a": LAYER_LABELS,
    "layer_b": LAYER_LABELS,
    "basis": BASIS_TEXT,
    "price_unit": {"gb_month": "GB", "gib_month": "GiB, converted here to GB"},
    "priced": {"known": "known", "doubtful": "doubtful", "unknown": "none, with the reason"},
    "region": {"*": "every region"},
    "path": {"managed_api": "managed API"},
    "purpose": {"eu_switch": "EU switch"},
    "attention": {
        "mha": "multi-head",
        "gqa": "grouped-query",
        "mqa": "multi-query",
        "mla": "multi-head latent",
    },
    "freshness": {FRESH: "fresh", STALE: "stale: confirm it", UNDATED: "undated: confirm it"},
    "rule_kind": {"predicate": "checked by us", "confirm": "to be confirmed by the provider"},
}
WORDS = {**WORDS, "providers": WORDS["provider"], "families_clouds": WORDS["provider"], "layers": LAYER_LABELS}
_SEVERAL = ("providers", "families_clouds", "layers", "skus", "purposes", "example_models")
_PLAIN_CODES = ("category", "purpose", "purposes", "path", "relation", "workload_kinds", "params_basis")


def unit_of(name: str) -> str:
    """Return the unit that a column's name ends in, as people write it; blank for texts and counts."""
    return next((unit for ending, unit in UNITS if name.endswith(ending)), "")


def label_of(name: str) -> str:
    """Return what a column is called on a page."""
    if name in LABELS:
        return LABELS[name]
    ending = next((ending for ending, _ in UNITS if name.endswith(ending)), "")
    bare = name.removesuffix(ending).removesuffix("_id") if ending != name else name
    return re.sub(r"[_\s]+", " ", bare).strip().capitalize()


def text_of(value: Any) -> str:
    """Return a cell as the text that filters compare: `yes` and `no` for truths, blank for unknown."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return str(value)


def in_words(name: str, value: Any) -> Any:
    """Return a cell as a reader should see it: codes in words, lists with commas, None for unknown."""
    if isinstance(value, (tuple, list)):
        return ", ".join(str(in_words(name, part)) for part in value) or None
    text = text_of(value)
    if not text:
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, float, np.number)):
        return float(value)
    known = WORDS.get(name, {})
    if name in _SEVERAL:
        plain = (part.replace("_", " ") if name in _PLAIN_CODES else part for part in text.split(";"))
        return ", ".join(known.get(part, part) for part in plain)
    if text in known:
        return known[text]
    return text.replace("_", " ") if name in _PLAIN_CODES else text
