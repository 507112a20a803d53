"""The unit of a column, as its name ends in it. The glossary tells the same; a test compares both."""

UNIT_ENDINGS = {
    "_usd_per_hour": "USD/hour",
    "_usd_per_cluster_hour": "USD/hour",
    "_usd_per_accelerator_hour": "USD/hour",
    "_usd_per_accelerator_gib_hour": "USD/hour",
    "_usd_per_memory_gib_hour": "USD/hour",
    "_usd_per_mtok": "USD/10⁶ tokens",
    "_usd_per_month": "USD/month",
    "_usd_per_mib_per_s_month": "USD/month",
    "_usd_per_gb": "USD/GB",
    "_usd_per_gb_month": "USD/GB/month",
    "_gb_per_s": "GB/s",
    "_gbps": "Gbit/s",
    "_gbps_per_node": "Gbit/s",
    "_tflops": "TFLOP/s",
    "_tops": "TOP/s",
    "_gco2e_per_kwh": "gCO₂e/kWh",
    "_bytes_per_token": "bytes/token",
    "_tokens": "tokens",
    "_days": "days",
    "_ms": "ms",
    "_fraction": "fraction",
    "_w": "W",
    "_tb": "TB",
    "_gib": "GiB",
}


def unit_of(name: str) -> str:
    """Return the unit that a column's name ends in; blank for one that ends in none. [a unit's name]

    Of several endings the longest counts. Source: docs/glossary.md.
    """
    return UNIT_ENDINGS[max(found, key=len)] if (found := [one for one in UNIT_ENDINGS if name.endswith(one)]) else ""
