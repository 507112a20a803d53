"""`manage.py check_data`: what the catalog's files hold, by layer and provider, with what is undated counted."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from catalog import files, frame, rules
from catalog.files import DataError, Facts

PROVIDERS = ("aws", "azure", "gcp")
LAYERS = ("compute", "accelerator", "networking", "storage", "orchestration", "model layer")


class Command(BaseCommand):
    help = "Check the data files against each other and count what they hold; exit 1 if anything is wrong."
    requires_system_checks = []
    requires_migrations_checks = False

    def handle(self, **_: Any) -> None:
        try:
            facts = files.load()
            catalog = frame.build(facts=facts, moment=timezone.now().date(), release=1)
        except DataError as error:
            self.stderr.write(f"data: {error}")
            raise SystemExit(1) from error
        grid = _grid(facts)
        self._print_grid(grid)
        self._print_figures(facts)
        self._print_offers(facts, moment=catalog.moment, doubted=catalog.offers["price_doubt"].ne("").sum())
        self._print_rules(facts)
        self.stdout.write(f"fact set {facts.sha256}")
        problems = [
            *(
                f"no {layer} on {provider}"
                for layer in LAYERS
                for provider in PROVIDERS
                if not grid[(layer, provider)][0]
            ),
            *(sentence for rule in facts.rules for sentence in rules.failing_examples(rule=rule)),
            *_unresolved(catalog),
        ]
        for problem in problems:
            self.stderr.write(f"data: {problem}")
        if problems:
            raise SystemExit(1)

    def _print_grid(self, grid: Mapping[tuple[str, str], tuple[int, int]]) -> None:
        self.stdout.write("options / priced or placed rows by layer and provider")
        self.stdout.write(f"{'':16}" + "".join(f"{provider:>14}" for provider in PROVIDERS))
        for layer in LAYERS:
            cells = (grid[(layer, provider)] for provider in PROVIDERS)
            self.stdout.write(f"{layer:16}" + "".join(f"{f'{options} / {rows}':>14}" for options, rows in cells))
        self.stdout.write("")

    def _print_figures(self, facts: Facts) -> None:
        rows: Counter[str] = Counter()
        figures: Counter[str] = Counter()
        for table in files.FILES:
            for row in getattr(facts, table) if table != "sources" else ():
                rows[row.as_of_basis] += 1
                figures[row.as_of_basis] += _figures(row)
        self.stdout.write(f"{sum(figures.values())} figures in {sum(rows.values())} rows, each with source and locator")
        for basis, words in (
            ("stated", "dated by their source"),
            ("source commit", "dated by the source's commit"),
            ("undated", "undated: they rank as stale"),
        ):
            self.stdout.write(f"  {figures[basis]:6} figures, {rows[basis]:5} rows {words}")
        kinds = Counter(row.kind for table in files.FILES if table != "sources" for row in getattr(facts, table))
        self.stdout.write("  rows by kind: " + _counted(kinds) + f"; {len(facts.sources)} sources\n")

    def _print_offers(self, facts: Facts, *, moment: dt.date, doubted: int) -> None:
        bases: Counter[str] = Counter(row.basis for row in facts.offers)
        unpriced = [row for row in facts.offers if row.price_usd_per_hour is None]
        self.stdout.write(f"{len(facts.offers)} offers: {_counted(bases)}")
        self.stdout.write(
            f"  {len(unpriced)} without a public price, each with its reason; "
            f"{doubted} priced so low that they are to be confirmed"
        )
        not_self_serve = {row.id for row in facts.instances if row.self_serve != "yes"}
        hidden = sorted({f"{row.provider}/{row.sku}" for row in facts.offers} & not_self_serve)
        self.stdout.write(f"  {len(hidden)} shapes not self-serve: {', '.join(hidden)}")
        accelerated = sum(1 for row in facts.instances if row.accelerator)
        self.stdout.write(
            f"{len(facts.instances)} shapes, {accelerated} with accelerators; {len(facts.regions)} regions"
        )
        retired = sum(1 for row in facts.model_offers if row.retirement_date and row.retirement_date <= moment)
        blocked = sum(1 for row in facts.model_offers if row.licence_id is None)
        self.stdout.write(
            f"{len(facts.model_offers)} model offers ({retired} retired, {blocked} blocked by a blank licence); "
            f"{len(facts.architectures)} architectures\n"
        )

    def _print_rules(self, facts: Facts) -> None:
        kinds = Counter(row.rule_kind for row in facts.rules)
        examples = sum(2 for row in facts.rules if row.examples)
        self.stdout.write(
            f"{len(facts.rules)} rules: {kinds['predicate']} predicates ({examples} examples run), "
            f"{kinds['confirm']} to confirm with the provider; {len(facts.coupling)} coupling observations"
        )


def _grid(facts: Facts) -> dict[tuple[str, str], tuple[int, int]]:
    """Return (options, rows) of each layer on each provider."""
    shapes = {row.id: row for row in facts.instances}
    grid: dict[tuple[str, str], tuple[int, int]] = {}
    for provider in PROVIDERS:
        here = [row for row in facts.offers if row.provider == provider]
        accelerated = [row for row in here if shapes[f"{provider}/{row.sku}"].accelerator]
        chips = sum(1 for row in facts.accelerators if provider in row.providers)
        grid |= {
            ("compute", provider): (_of(facts.cpu_families, provider), len(here) - len(accelerated)),
            ("accelerator", provider): (chips, len(accelerated)),
            ("networking", provider): (_of(facts.networking, provider), _of(facts.egress, provider)),
            ("storage", provider): (_of(facts.storage, provider), _of(facts.storage_prices, provider)),
            ("orchestration", provider): (
                _of(facts.orchestration, provider),
                sum(
                    1
                    for row in facts.orchestration
                    if row.provider == provider and row.price_usd_per_cluster_hour is not None
                ),
            ),
            ("model layer", provider): (_of(facts.model_vendors, provider), _of(facts.model_offers, provider)),
        }
    return grid


def _of(rows: Iterable[Any], provider: str) -> int:
    return sum(1 for row in rows if row.provider == provider)


def _figures(row: Any) -> int:
    """Return how many numbers a row states."""
    return sum(
        1
        for name in type(row).model_fields
        if isinstance(getattr(row, name), int | float | Decimal) and not isinstance(getattr(row, name), bool)
    )


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common())


def _unresolved(catalog: frame.Catalog) -> list[str]:
    """Return a sentence for each offer or model offer whose evidence does not resolve."""
    ids = [f"offer:{id}" for id in catalog.offers["offer_id"]]
    ids += [f"model_offer:{id}" for id in catalog.model_offers["model_offer_id"]]
    broken = []
    for id in ids:
        try:
            catalog.evidence(id)
        except KeyError:
            broken.append(f"no evidence for {id}")
    return broken
