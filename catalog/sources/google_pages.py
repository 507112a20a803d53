"""The lists of Google's services, page by page."""

import json
from collections.abc import Iterator
from urllib.parse import urlencode

from catalog.sources.http import Asker
from catalog.sources.source import Keep, SourceFailed


def pages(asker: Asker, path: str, *, keep: Keep, most: int, **question: str) -> Iterator[bytes]:
    """Keep and yield each page of a list, to its last. Raises SourceBusy and SourceFailed.

    A token that comes again, or more pages than there can be, would never end.
    """
    token, seen = "", set[str]()
    for _ in range(most):
        asked = question | ({"pageToken": token} if token else {})
        address = f"{str(asker.base).rstrip('/')}{path}?{urlencode(asked)}"
        body = asker.get(address)
        keep(url=address, pieces=[body])
        yield body
        try:
            token = str(json.loads(body).get("nextPageToken") or "")  # the last page holds an empty one, or none
        except (ValueError, AttributeError) as error:
            raise SourceFailed(f"{path} is cut or no JSON: {error}.") from error
        if not token:
            return
        if token in seen:
            raise SourceFailed(f"{path} gives the same next page twice: its pages have no end.")
        seen.add(token)
    raise SourceFailed(f"{path} has more than {most} pages.")
