"""Tokens of sources. Only their hashes are stored."""

from __future__ import annotations

import hashlib
import secrets

# Distinguishes tokens of sources from those of people, so that a look-up is one query.
SOURCE_PREFIX = "chs_"


def new_source_token() -> str:
    """Return a new secret of 256 bits."""
    return SOURCE_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Return the SHA-256 of a token; a secret of 256 bits needs neither salt nor a slow hash."""
    return hashlib.sha256(token.encode()).digest()
