"""Requests that may be sent twice: the first one's answer is kept under its key, and given to whoever repeats it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from advisor.models import KeptAnswer
from advisor.services import credentials

KEPT = timedelta(hours=24)
KEY_MAX_LETTERS = 200


class KeyReused(Exception):
    """The key belongs to another request."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was sent with another request. Use a new key for a new request.")


@dataclass(frozen=True)
class Answer:
    """What was answered: a status, a body as JSON, and the address of what was made."""

    status: int
    body: Any
    location: str = ""


def once(
    *, token_id: int, key: str, request_sha256: str, moment: datetime, work: Callable[[], Answer]
) -> tuple[Answer, bool]:
    """Return the answer to a request, and whether it is a repeated one; the work is done for the first request only.

    Key, work and answer are one transaction. A twin that arrives meanwhile waits for it in the database: it finds the
    answer, or, where the work failed and left nothing, does it itself. Raises KeyReused.
    """
    KeptAnswer.objects.filter(created_at__lte=moment - KEPT).delete()
    try:
        with transaction.atomic():
            row = KeptAnswer.objects.create(
                token_id=token_id, key=key, request_sha256=request_sha256, created_at=moment
            )
            answer = work()
            row.content = credentials.encrypt(json.dumps([answer.status, answer.body, answer.location]))
            row.save(update_fields=["content"])
            return answer, False
    except IntegrityError:
        kept = KeptAnswer.objects.filter(token_id=token_id, key=key).first()
        if kept is None:  # the fault was the work's own
            raise
    if kept.request_sha256 != request_sha256:
        raise KeyReused
    return Answer(*json.loads(credentials.decrypt(kept.content))), True
