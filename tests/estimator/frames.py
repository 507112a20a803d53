"""Offers and model offers made by hand, with the columns of the catalog's frames and nothing unstated."""

import math

import pandas as pd

from estimator import architecture

OFFER = {
    "offer_id": "",
    "provider": "aws",
    "region": "us-east-1",
    "sku": "c7g.4xlarge",
    "basis": "on_demand",
    "price_usd_per_hour": 1.0,
    "price_reason": "",
    "price_as_of": "2026-07-20",
    "price_as_of_basis": "stated",
    "price_doubt": "",
    "min_duration_days": math.nan,
    "max_duration_days": math.nan,
    "increment_days": math.nan,
    "lead_time_days": math.nan,
    "max_quantity_count": math.nan,
    "prepaid": None,
    "cancellable": None,
    "capacity_guaranteed": None,
    "interruptible": None,
    "terms_id": "",
    "vcpus_count": 16.0,
    "memory_gb": 34.36,
    "host_isa": "arm64",
    "cpu_family": "graviton3",
    "local_nvme_tb": math.nan,
    "network_gbps": 15.0,
    "fabric_gbps": math.nan,
    "fabric_type": "",
    "self_serve": "yes",
    "status": "offered",
    "accelerator": "",
    "accelerator_name": "",
    "accelerator_vendor": "",
    "accelerators_count": 0.0,
    "silicon": "none",
    "software_stack": "",
    "bf16_tflops": math.nan,
    "fp16_tflops": math.nan,
    "fp8_tflops": math.nan,
    "fp4_tflops": math.nan,
    "int8_tops": math.nan,
    "accelerator_memory_gb": math.nan,
    "memory_bandwidth_gb_per_s": math.nan,
    "scaleup_gb_per_s": math.nan,
    "scaleup_domain_accelerators": math.nan,
    "tdp_w": math.nan,
    "trains": "",
    "serves": "",
    "country": "US",
    "geography": "us",
    "in_eu": False,
    "grid_gco2e_per_kwh": 400.0,
}

A100 = {
    "sku": "p4d.24xlarge",
    "vcpus_count": 96.0,
    "host_isa": "x86_64",
    "accelerator": "a100-40gb",
    "accelerator_vendor": "NVIDIA",
    "accelerators_count": 8.0,
    "silicon": "merchant",
    "software_stack": "cuda",
    "bf16_tflops": 312.0,
    "fp16_tflops": 312.0,
    "int8_tops": 624.0,
    "accelerator_memory_gb": 42.9,
    "memory_bandwidth_gb_per_s": 1555.0,
    "scaleup_gb_per_s": 600.0,
    "scaleup_domain_accelerators": 8.0,
    "fabric_gbps": 400.0,
    "network_gbps": 400.0,
    "tdp_w": 400.0,
    "trains": "yes",
    "serves": "yes",
}

H100 = {
    **A100,
    "sku": "p5.48xlarge",
    "vcpus_count": 192.0,
    "accelerator": "h100-sxm-80gb",
    "bf16_tflops": 989.4,
    "fp16_tflops": 989.4,
    "fp8_tflops": 1978.9,
    "int8_tops": 1978.9,
    "accelerator_memory_gb": 85.9,
    "memory_bandwidth_gb_per_s": 3350.0,
    "scaleup_gb_per_s": 900.0,
    "fabric_gbps": 3200.0,
    "network_gbps": 3200.0,
    "tdp_w": 700.0,
}

TRAINIUM2 = {
    **A100,
    "sku": "trn2.48xlarge",
    "accelerator": "trainium2",
    "accelerator_vendor": "AWS",
    "accelerators_count": 16.0,
    "silicon": "own",
    "software_stack": "neuron",
    "bf16_tflops": 667.0,
    "fp16_tflops": 667.0,
    "fp8_tflops": 1299.0,
    "int8_tops": math.nan,
    "accelerator_memory_gb": 103.1,
    "memory_bandwidth_gb_per_s": 2900.0,
    "scaleup_gb_per_s": 1280.0,
    "scaleup_domain_accelerators": 16.0,
    "fabric_gbps": 3200.0,
    "network_gbps": 3200.0,
    "tdp_w": 500.0,
}

LLAMA_8B = architecture.Architecture(
    id="llama-3.1-8b",
    layers=32,
    hidden=4096,
    heads=32,
    kv_heads=8,
    head_dim=128,
    ffn_hidden=14336,
    vocab=128256,
    params_total=8.03e9,
    params_active=8.03e9,
    context_max_tokens=131072,
)

MODEL_OFFER = {
    "model_offer_id": "",
    "provider": "aws",
    "platform": "bedrock",
    "vendor": "Vendor",
    "model_id": "vendor.model",
    "family": "model",
    "mode": "chat",
    "scope": "global",
    "regions": "",
    "context_window_tokens": 200_000.0,
    "max_output_tokens": 8_192.0,
    "input_usd_per_mtok": 3.0,
    "output_usd_per_mtok": 15.0,
    "cached_input_usd_per_mtok": math.nan,
    "cache_write_usd_per_mtok": math.nan,
    "batch_input_usd_per_mtok": math.nan,
    "batch_output_usd_per_mtok": math.nan,
    "long_context_input_usd_per_mtok": math.nan,
    "long_context_output_usd_per_mtok": math.nan,
    "long_context_threshold_tokens": math.nan,
    "price_reason": "",
    "retirement_date": "",
    "open_weights": None,
    "licence_id": "",
    "families_clouds": "aws",
    "price_as_of": "2026-10-14",
    "price_as_of_basis": "stated",
}


def offers(*rows: dict) -> pd.DataFrame:
    """Return an offers frame of rows that differ from ``OFFER`` as stated."""
    frame = pd.DataFrame([OFFER | row for row in rows])
    frame["offer_id"] = frame["provider"] + "/" + frame["region"] + "/" + frame["sku"] + "/" + frame["basis"]
    return frame


def model_offers(*rows: dict) -> pd.DataFrame:
    """Return a model-offers frame of rows that differ from ``MODEL_OFFER`` as stated."""
    frame = pd.DataFrame([MODEL_OFFER | row for row in rows])
    frame["model_offer_id"] = [f"model-{place}" for place in range(len(frame))]
    return frame
