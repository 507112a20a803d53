"""What stands around models: where they run and until when, their memory, what their licences allow."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import pandas as pd

from advisor.core.shelf.browse import shelf
from advisor.core.shelf.facts import conditions_text
from advisor.core.shelf.parts import (
    ORDER_OF_PRICES,
    Found,
    Passage,
    behind,
    section,
)
from catalog.frame import Catalog
from catalog.records import Licence
from catalog.units import BYTES_PER_GIB
from estimator import architecture


def _of_model_offer(catalog: Catalog, row: pd.Series) -> Found:
    vendors = shelf(catalog, "model-vendors")
    vendor = vendors[(vendors["provider"] == row["provider"]) & (vendors["vendor"] == row["vendor"])]
    parts = behind(
        catalog,
        *(("What the platform says of this maker", "model-vendors", id) for id in vendor["id"]),
        ("The licence", "licences", row["licence_id"]),
        ("The architecture", "architectures", row["architecture_id"]),
    )
    residency = (
        [] if len(vendor) else ["The catalog says nothing of this maker on this platform: residency is unknown."]
    )
    lines = [
        f"Requests may be processed in this scope: {row['scope']}."
        if row["scope"] != "unstated"
        else "The source does not state where requests may be processed: confirm it if data must stay in a place.",
        *residency,
        *_retirement(row, catalog),
    ]
    sections = [
        section(
            catalog,
            "model-offers",
            "The family in every scope and cloud",
            wanted={"family": row["family"]},
            by="input_usd_per_mtok",
            lead=ORDER_OF_PRICES,
        )
    ]
    licence = _licence_passages(catalog, row["licence_id"], open_weights=row["open_weights"])
    return [Passage("Where it runs, and until when", tuple(lines)), *licence], parts, sections


def _retirement(row: pd.Series, catalog: Catalog) -> list[str]:
    if not row["retirement_date"]:
        return ["No retirement date is stated."]
    past = row["retirement_date"] <= catalog.moment.isoformat()
    return [f"The platform {'stopped' if past else 'stops'} serving it on {row['retirement_date']}."]


def _of_architecture(catalog: Catalog, row: pd.Series) -> Found:
    shape = architecture.from_row(cast("dict[str, Any]", row.to_dict()))
    lines = []
    if shape.context_max_tokens:
        cached = shape.kv_bytes_per_sequence(context_tokens=shape.context_max_tokens) / BYTES_PER_GIB
        lines.append(
            f"A sequence of the whole context ({shape.context_max_tokens:,} tokens) keeps {cached:,.3g} GiB of keys "
            "and values at 16 bits, sliding windows applied."
        )
    lines.append("Computed from the shape below; an engine adds its own reserve, and 8 bits a value halve it.")
    return (
        [
            Passage("Memory of a conversation", tuple(lines)),
            *_licence_passages(catalog, row["licence_id"], open_weights=row["open_weights"]),
        ],
        behind(catalog, ("The licence", "licences", row["licence_id"])),
        [
            section(
                catalog,
                "model-offers",
                "Managed offers of these weights",
                wanted={"architecture": row["id"]},
                by="input_usd_per_mtok",
            )
        ],
    )


def _licence_passages(catalog: Catalog, licence_id: str, *, open_weights: Any) -> list[Passage]:
    title = "What the licence allows"
    found = next((one for one in catalog.licences if one.id == licence_id), None)
    if found is None and open_weights:
        return [Passage(title, ("No licence is on file, and a model without one is not advised.",))]
    if found is None:
        return [Passage(title, ("The weights cannot be had; the platform's terms of service hold.",))]
    return [Passage(title, licence_lines(found))]


def licence_lines(licence: Licence) -> tuple[str, ...]:
    """Return what a licence allows and to whom it forbids something, in sentences."""
    use = {
        "yes": f"{licence.name}: commercial use is allowed.",
        "no": f"{licence.name}: commercial use is not allowed.",
        "conditional": f"{licence.name}: commercial use is allowed under conditions.",
    }[licence.commercial_use]
    lines = [use]
    for condition in licence.conditions:
        weight = "Binding" if condition.severity == "hard" else "To be kept in mind"
        applies = f" (when {' and '.join(conditions_text(condition.when))})" if condition.when else ""
        lines.append(f"{weight}{applies}: {condition.message}")
    return tuple(lines)


def _of_licence(catalog: Catalog, row: pd.Series) -> Found:
    return (
        _licence_passages(catalog, row["id"], open_weights=True),
        [],
        [
            section(catalog, "architectures", "Architectures under it", wanted={"licence": row["id"]}),
            section(catalog, "model-offers", "Managed offers under it", wanted={"licence": row["id"]}),
        ],
    )


def _of_vendor(catalog: Catalog, row: pd.Series) -> Found:
    wanted = {"provider": row["provider"], "vendor": row["vendor"]}
    return [], [], [section(catalog, "model-offers", "Its models here", wanted=wanted, by="model_id")]


AROUND: Mapping[str, Callable[[Catalog, pd.Series], Found]] = {
    "model-offers": _of_model_offer,
    "architectures": _of_architecture,
    "licences": _of_licence,
    "model-vendors": _of_vendor,
}
