"""What must be read again but by nobody else: secrets of other services, seeds of second factors,
cursors of lists, forms that wait in sessions; and what must be recognised again and never read:
hashes that nobody without the keys can try values on.

The keys are derived from ENCRYPTION_KEYS, or from SECRET_KEY where none is given, one for each
purpose. To change a key, put the new one first and keep the old one behind it until everything has
been written anew.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

SECRETS = "secrets"
CURSORS = "cursors"
IDEMPOTENCY = "idempotency"
SECOND_FACTORS = "second factors"
KEPT_FORMS = "kept forms"


def encrypt(text: str, *, purpose: str = SECRETS) -> bytes:
    """The text, readable with `decrypt` only, for the same purpose."""
    return _fernet(purpose).encrypt(text.encode())


def decrypt(encrypted: bytes, *, purpose: str = SECRETS) -> str:
    """The text again; raises cryptography's InvalidToken when no key fits."""
    return _fernet(purpose).decrypt(bytes(encrypted)).decode()


def keyed_hashes(data: bytes, *, purpose: str) -> list[bytes]:
    """The HMAC-SHA256 of the data under each key: the first is to be kept, any may be found."""
    return [hmac.digest(_derived(key, purpose), data, hashlib.sha256) for key in _keys()]


def _keys() -> list[str]:
    return settings.ENCRYPTION_KEYS or [settings.SECRET_KEY]


def _fernet(purpose: str) -> MultiFernet:
    return MultiFernet([_fernet_with(key, purpose) for key in _keys()])


@functools.lru_cache(maxsize=64)
def _fernet_with(key: str, purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derived(key, purpose)))


@functools.lru_cache(maxsize=64)
def _derived(key: str, purpose: str) -> bytes:
    info = f"contacthub {purpose}".encode()
    derivation = HKDF(hashes.SHA256(), length=32, salt=None, info=info)
    return derivation.derive(key.encode())
