"""Tokens of sources: made here, shown once, kept only as a hash."""

from __future__ import annotations

import hashlib
import secrets

# Tells a source's token from a person's, so that a look-up is one query.
SOURCE_PREFIX = "chs_"


def new_source_token() -> str:
    """A fresh secret of 256 bits."""
    return SOURCE_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is stored of a token; a secret of 256 bits needs no salt and no slow hash."""
    return hashlib.sha256(token.encode()).digest()
