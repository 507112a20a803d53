"""Keeps what a worker holds while it works: a thread renews it, and learns when it was taken away."""

import logging
import threading
from collections.abc import Callable

from django.db import DatabaseError, connection

logger = logging.getLogger(__name__)


class Renewal:
    """Calls ``renew`` every so many seconds from a thread of its own, until told to stop or until it returns False.

    So the work itself may wait for an answer as long as it must. A database that fails now is asked again.
    """

    def __init__(self, renew: Callable[[], bool], *, every_s: float, name: str) -> None:
        self._renew, self._every_s = renew, every_s
        self._over, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep, name=name, daemon=True)

    @property
    def is_lost(self) -> bool:
        """Say whether a renewal was refused: what was held is not ours any more."""
        return self._lost.is_set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for that."""
        self._over.set()
        self._thread.join()

    def _keep(self) -> None:
        try:
            while not self._over.wait(self._every_s):
                try:
                    if not self._renew():
                        self._lost.set()
                        return
                except DatabaseError:
                    logger.exception("A lease could not be renewed; trying again.")
        finally:
            connection.close()
