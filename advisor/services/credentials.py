"""Secrets that have to be read again: encrypted under CREDENTIAL_KEYS, the newest key first."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """None of today's CREDENTIAL_KEYS opens what is stored."""


def encrypt(text: str) -> str:
    """Return a text as it may be stored."""
    return _keys().encrypt(text.encode()).decode()


def decrypt(stored: str) -> str:
    """Return the text that was stored. Raises Unreadable where its key is gone."""
    try:
        return _keys().decrypt(stored.encode()).decode()
    except InvalidToken as error:
        raise Unreadable("The key that encrypted this secret is no longer among CREDENTIAL_KEYS.") from error


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])
