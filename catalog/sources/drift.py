"""What is told of an answer that has another shape than the documented one: briefly, and where to look."""

from pydantic import ValidationError


def told(error: ValueError) -> str:
    """Return the first thing that is wrong, with its place, and how much more there is."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {first['msg']}{more}" if place else f"{first['msg']}{more}"
