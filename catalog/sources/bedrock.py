"""Who speaks for what on Bedrock: ids of models and their profiles, and the region that states a profile's price."""

import re
from collections.abc import Collection, Mapping

from catalog.files import Facts
from catalog.records import ModelOffer
from catalog.sources.model_names import of_platform

# A geography's profile is priced by the region it is called from, and regions differ. One region speaks for each, so
# that the same price never comes from two parts. An id without any scope is the model as us-east-1 sells it.
SPEAKS_FOR: Mapping[str, tuple[str, ...]] = {
    "us-east-1": ("global", "us", "unstated"),
    "eu-central-1": ("eu",),
    "ap-southeast-1": ("apac",),
    "ap-northeast-1": ("jp",),
    "ap-southeast-2": ("au",),
    "ap-south-1": ("in",),
    "us-gov-west-1": ("us-gov",),
}
_SCOPES = (*(scope for scopes in SPEAKS_FOR.values() for scope in scopes if scope != "unstated"), "regional")
_REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")
_VERSION = re.compile(r"(-v\d+)?(:\d+)?$")
_DATE = re.compile(r"-20\d{6}$")


def offers(facts: Facts) -> tuple[ModelOffer, ...]:
    """Return the model offers of Bedrock."""
    return of_platform(facts, "Amazon Bedrock")


def regions(facts: Facts, *, wanted: Collection[str] | None) -> tuple[str, ...]:
    """Return the regions that speak for a model offer, of those that are wanted."""
    speaking = {offer.scope for offer in offers(facts) if _REGION.match(offer.scope)} | set(SPEAKS_FOR)
    return tuple(sorted(speaking if wanted is None else speaking & set(wanted)))


def scopes(region: str) -> tuple[str, ...]:
    """Return the scopes for which a region speaks, itself first."""
    return (region, *SPEAKS_FOR.get(region, ()))


def foundation_id(model_id: str) -> str:
    """Return an offer's model id without its region, gateway or profile: eu.amazon.nova-lite-v1:0 is a Nova Lite."""
    name = model_id.rpartition("/")[2]
    head, _, rest = name.partition(".")
    return rest if head in _SCOPES else name


def undated(model_id: str) -> str:
    """Return a model id without its version and date."""
    return _DATE.sub("", _VERSION.sub("", model_id))


def same_model(one: str, other: str) -> bool:
    """Say whether two ids are of one model: one may leave out its version or date, but none may state another."""
    versions = {_VERSION.findall(name)[0][0] for name in (one, other)} - {""}
    dates = {date for name in (one, other) for date in _DATE.findall(_VERSION.sub("", name))}
    return undated(one) == undated(other) and len(versions) < 2 and len(dates) < 2


def names(offer: ModelOffer) -> tuple[str, ...]:
    """Return what a price list may call an offer's model: its id with and without vendor, version and date."""
    whole = foundation_id(offer.model_id)
    bare = undated(whole)
    unvendored = (name.partition(".")[2] for name in (whole, bare) if offer.vendor)
    return (whole, bare, *(name for name in unvendored if len(name) > len("v3.2")))  # r1 and v3 alone name nothing
