"""Secrets that are shown once and kept as a hash."""

import hashlib
import secrets


def fresh() -> str:
    """Return 32 random bytes as text that fits into an address."""
    return secrets.token_urlsafe(32)


def sha256(text: str) -> str:
    """Return what is stored of a secret. It has 256 bits of chance, so it needs no salt and no slow hash."""
    return hashlib.sha256(text.encode()).hexdigest()
