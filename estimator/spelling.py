"""How published results spell the parts that the catalog lists."""

import re
from collections.abc import Sequence
from functools import partial

# Other names of one accelerator, prefixes that name its maker, and words that only say how it is packaged.
_ALIASES = {
    r"gaudi-?(\d)": r"gaudi\1",
    "trn1n?": "trainium1",
    "trainium": "trainium1",
    "trn2u?": "trainium2",
    "trn3": "trainium3",
    r"gh200(?!-\d)": "gh200-96gb",  # the part most in use
    "inf1": "inferentia1",
    "inf2": "inferentia2",
    "(?:tpu-?)?v?7x?|(?:tpu-)?ironwood": "tpu-v7",
    "(?:tpu-)?v5-?(?:e|lite|litepod)": "tpu-v5e",
    "(?:tpu-)?trillium": "tpu-v6e",
    "(?:tpu-?)?v(4|5p|6e|8i|8t)": r"tpu-v\1",
}
_MAKERS = r"(?:(?:nvidia|amd|intel|instinct|google|cloud|aws|azure|gcp|hgx|dgx)-)+(?=.)"
_FORMS = (
    "sxm", "sxm2", "sxm4", "sxm5", "sxm6", "oam", "hgx", "dgx", "gpu", "hbm2", "hbm2e", "hbm3", "hbm3e",
    "blackwell", "server", "edition", "ultra", "ultraserver",
)  # fmt: skip
_CARDS = ("pcie", "nvl")


class UnknownPart(LookupError):
    """No part of the catalog goes by this name."""


def accelerator(name: str, *, known: Sequence[str]) -> str:
    """Return the catalog id a published accelerator name means: same model, same memory where the name states one.

    A part of the same family is no stand-in: ``UnknownPart`` is raised. Source: the names of the published results in
    ``data/``.
    """
    text = re.sub(rf"^{_MAKERS}", "", "-".join(re.findall(r"[a-z0-9]+", name.lower())))
    for pattern, full in _ALIASES.items():
        text = re.sub(rf"^(?:{pattern})(?=-|$)", full, text)
    if text in known:
        return text
    words = [word for word in text.split("-") if word not in _FORMS]
    size = [word for word in words if re.fullmatch(r"\d+gb", word)]
    words = [word for word in words if word not in size]
    if text.startswith("tpu-v"):
        words = words[:2]  # the rest counts the chips of a slice
    of_model = [known_id for known_id in known if _same_model(words, known_id)]
    sized = [known_id for known_id in of_model if not size or size[0] in known_id.split("-")]
    # Memory decides more than form: a 40 GB card is nearer to the 40 GB module than to the 80 GB card.
    for matches in (
        _holding(words, sized),
        _holding([w for w in words if w not in _CARDS], sized),
        _holding(words, of_model),
    ):
        if matches:
            return min(matches, key=partial(_remoteness, words))
    raise UnknownPart(f"no accelerator {name!r} in the catalog")


def _holding(words: Sequence[str], known: Sequence[str]) -> list[str]:
    return [known_id for known_id in known if set(words) <= set(known_id.split("-"))]


def _same_model(words: Sequence[str], known_id: str) -> bool:
    return bool(words) and known_id.split("-")[0] == words[0] and any(re.search(r"\d", word) for word in words)


def _remoteness(words: Sequence[str], known_id: str) -> tuple[bool, int]:
    """Order of the catalog ids that a name may mean: a name that says no form means the module, not the card; one that
    says no memory the part with the most."""
    own = known_id.split("-")
    card = any(form in own and form not in words for form in _CARDS)
    return card, -max([int(word[:-2]) for word in own if re.fullmatch(r"\d+gb", word)], default=0)
