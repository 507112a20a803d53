"""What stands around regions, rules and coupling observations."""

from collections.abc import Callable, Mapping

import pandas as pd

from advisor.core.coupling import BIT_TEXT, BITS
from advisor.core.shelf.browse import record, shelf
from advisor.core.shelf.facts import conditions_text
from advisor.core.shelf.parts import (
    ORDER_OF_PRICES,
    Found,
    Passage,
    section,
)
from catalog.frame import Catalog


def _of_region(catalog: Catalog, row: pd.Series) -> Found:
    here = {"provider": row["provider"], "region": row["region"]}
    egress = shelf(catalog, "egress")
    leaving = egress[(egress["provider"] == row["provider"]) & egress["region"].isin((row["region"], "*"))]
    carbon = [
        Passage(
            "Carbon",
            (
                "The figure of the grid has a source of its own, named below. The providers reckon by different "
                "methods: it is shown and never ranked across clouds.",
            )
            if row["carbon_source"]
            else ("No figure of the grid's carbon is known for this region.",),
        )
    ]
    return (
        carbon,
        [],
        [
            section(catalog, "accelerator-regions", "Accelerators seen here", wanted=here),
            section(catalog, "offers", "Offers here", wanted=here, by="price_usd_per_hour", lead=ORDER_OF_PRICES),
            section(catalog, "model-offers", "Managed models listed for it", wanted=here, by="model_id"),
            section(catalog, "storage-prices", "Storage prices here", wanted=here),
            section(catalog, "egress", "What data costs that leaves", rows=leaving),
        ],
    )


def _of_rule(catalog: Catalog, row: pd.Series) -> Found:
    rule = record(catalog=catalog, name="rules", row_id=row["id"])
    passages = [
        Passage("What it says", (rule.message,)),
        Passage("When it applies", tuple(conditions_text(rule.when)) or ("Always.",)),
    ]
    if rule.require:
        passages.append(Passage("What it then wants", tuple(conditions_text(rule.require))))
    else:
        passages.append(Passage("What it then wants", ("An answer of the provider: no fact on file can decide it.",)))
    if rule.examples:
        passages.append(
            Passage(
                "Two examples, checked at each load",
                (
                    f"Passes: {'; '.join(conditions_text(rule.examples.passes))}.",
                    f"Fails: {'; '.join(conditions_text(rule.examples.fails))}.",
                ),
            )
        )
    if rule.effort_weeks:
        weeks = rule.effort_weeks
        line = f"{weeks.typical:g} weeks, between {weeks.low:g} and {weeks.high:g}: a judgement, not a measurement."
        passages.append(Passage("What it takes to close the gap", (line,)))
    return passages, [], []


def _of_coupling(catalog: Catalog, row: pd.Series) -> Found:
    observed = record(catalog=catalog, name="coupling", row_id=row["id"])
    stated = [
        f"It {text}: {'yes' if row[bit] else 'no'} (weight {weight:g})."
        for (bit, text), weight in zip(BIT_TEXT.items(), BITS.values(), strict=True)
    ]
    steps = tuple(observed.migration_steps) or ("No step is known to be needed.",)
    same = shelf(catalog, "coupling")
    pair = same[(same["pair"] == row["pair"]) & (same["id"] != row["id"])]
    return (
        [
            Passage("What it rests on", (row["evidence"],)),
            Passage("The seven observations", tuple(stated)),
            Passage("What a move takes", steps),
        ],
        [],
        [section(catalog, "coupling", "The same two layers elsewhere", rows=pair, by="coupling_score")],
    )


AROUND: Mapping[str, Callable[[Catalog, pd.Series], Found]] = {
    "regions": _of_region,
    "rules": _of_rule,
    "coupling": _of_coupling,
}
