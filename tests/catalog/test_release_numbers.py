"""Two workers at the numbers of the releases at once: neither fails, and what is published does not change."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from catalog import ingest, published
from catalog.models import CatalogRelease, FactSet

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time"),
]


@pytest.fixture(autouse=True)
def _first() -> None:
    FactSet.objects.create(sha256="a" * 64, content=FactSet.pack({}))
    now = timezone.now()
    CatalogRelease.objects.create(number=1, fact_set_id="a" * 64, begun_at=now, published_at=now, actor="test")


def both(first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """Let a second worker begin while the first has done its own and not committed it; return what each returned."""
    found: list[Any] = []

    def beside() -> None:
        try:
            found.append(second())
        except DatabaseError as error:
            found.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=beside)
    with transaction.atomic():
        mine = first()
        thread.start()
        time.sleep(0.3)  # the second comes to where it must wait
    thread.join()
    return [mine, *found]


def test_a_release_that_waits_while_a_later_one_is_published_comes_after_it() -> None:
    early, late = (ingest.begin(actor="test", moment=timezone.now()) for _ in range(2))

    numbers = both(
        lambda: ingest.publish_appended(release=late, moment=timezone.now()),
        lambda: ingest.publish_appended(release=early, moment=timezone.now()),
    )

    assert numbers == [3, 4]
    assert not CatalogRelease.objects.filter(number=2).exists()
    assert published.latest().number == 4


def test_two_that_begin_at_once_get_a_number_each() -> None:
    begun = both(*[lambda: ingest.begin(actor="test", moment=timezone.now()).number] * 2)

    assert begun == [2, 3]
