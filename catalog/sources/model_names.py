"""What a model is called: 'Claude Sonnet 4.6', 'claude-sonnet-4-6' and 'ClaudeSonnet4.6' are one name."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from catalog.files import Facts
from catalog.records import ModelOffer

_RUN = re.compile(r"[a-z]+|\d+")
_POINT_ZERO = re.compile(r"(?<=\d)\.0(?!\d)")  # Nova 2.0 Lite is Nova 2 Lite
_TUNED = ("instruct", "it")  # how a chat model is tuned: some name it, some do not


def spelled(name: str) -> str:
    """Return a name as its runs of letters and digits. What stands between digits counts, between letters it does not.

    So 3.1 8B and 3-1-8b are one, and 318B is another.
    """
    runs: list[str] = []
    for run in _RUN.findall(_POINT_ZERO.sub("", name.lower())):
        if runs and run.isalpha() and runs[-1].isalpha():
            runs[-1] += run
        else:
            runs.append(run)
    return " ".join(runs)


def untuned(name: str) -> str:
    """Return a name without a last word that says how it was tuned."""
    head, _, last = name.replace(" ", "-").rpartition("-")
    return head if head and last.lower() in _TUNED else name


def families(offers: Iterable[ModelOffer], *, names: Callable[[ModelOffer], Iterable[str]]) -> Mapping[str, str]:
    """Return the family of each spelled name. A name that two families could claim is no name of either."""
    claimed: dict[str, set[str]] = defaultdict(set)
    for offer in offers:
        for name in (offer.family, *names(offer)):
            claimed[spelled(name)].add(offer.family)
            claimed[spelled(untuned(name))].add(offer.family)
    own = {spelled(offer.family): offer.family for offer in offers}
    return {name: own.get(name) or min(who) for name, who in claimed.items() if name in own or len(who) == 1}


def of_platform(facts: Facts, *platforms: str) -> tuple[ModelOffer, ...]:
    """Return the model offers of some platforms."""
    return tuple(offer for offer in facts.model_offers if offer.platform in platforms)
