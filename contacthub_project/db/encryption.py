"""What must be read again but by nobody else: secrets of other services, and cursors of lists.

The keys are derived from ENCRYPTION_KEYS, or from SECRET_KEY where none is given, one for each
purpose. To change a key, put the new one first and keep the old one behind it until everything has
been written anew.
"""

from __future__ import annotations

import base64
import functools

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

SECRETS = "secrets"
CURSORS = "cursors"


def encrypt(text: str, *, purpose: str = SECRETS) -> bytes:
    """The text, readable with `decrypt` only, for the same purpose."""
    return _fernet(purpose).encrypt(text.encode())


def decrypt(encrypted: bytes, *, purpose: str = SECRETS) -> str:
    """The text again; raises cryptography's InvalidToken when no key fits."""
    return _fernet(purpose).decrypt(bytes(encrypted)).decode()


def _fernet(purpose: str) -> MultiFernet:
    keys = settings.ENCRYPTION_KEYS or [settings.SECRET_KEY]
    return MultiFernet([_derived(key, purpose) for key in keys])


@functools.lru_cache(maxsize=64)
def _derived(key: str, purpose: str) -> Fernet:
    info = f"contacthub {purpose}".encode()
    derivation = HKDF(hashes.SHA256(), length=32, salt=None, info=info)
    return Fernet(base64.urlsafe_b64encode(derivation.derive(key.encode())))
