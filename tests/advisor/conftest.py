"""What several tests of the product share: the shipped catalog, published once a file."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from pytest_django.plugin import DjangoDbBlocker

from catalog import ingest
from tests.advisor.factories import MOMENT


@pytest.fixture(scope="module")
def published(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[int]:
    """The shipped facts, published once for this file: reading them takes seconds."""
    with django_db_blocker.unblock():
        yield ingest.publish_files(actor="tests", moment=MOMENT)
        call_command("flush", verbosity=0, interactive=False)
