"""Encryption and keyed hashes of stored secrets.

Encrypted are secrets of other services, seeds of second factors, passwords of customers, cursors of
lists, forms kept in sessions and answers kept for an Idempotency-Key. Keyed hashes recognise values
that must not be readable: nobody without the keys can test values against them.

The keys are derived from ENCRYPTION_KEYS, or from SECRET_KEY where none is given, one for each
purpose. To change a key, put the new one first and keep the old one after it until everything has
been encrypted again, which `manage.py rotate_keys` does.
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
ANSWERS = "answers to requests"
FORGOTTEN_PEOPLE = "forgotten people"
SECOND_FACTORS = "second factors"
KEPT_FORMS = "kept forms"
PASSWORDS = "passwords of customers"


def encrypt(text: str, *, purpose: str = SECRETS) -> bytes:
    """Return the encrypted text; `decrypt` with the same purpose reverses it."""
    return _fernet(purpose).encrypt(text.encode())


def decrypt(encrypted: bytes, *, purpose: str = SECRETS) -> str:
    """Return the plain text; raises cryptography's InvalidToken when no key fits."""
    return _fernet(purpose).decrypt(bytes(encrypted)).decode()


def reencrypt(encrypted: bytes, *, purpose: str = SECRETS) -> bytes:
    """Return the secret encrypted under the first key; raises InvalidToken when no key fits."""
    return _fernet(purpose).rotate(bytes(encrypted))


def keyed_hashes(data: bytes, *, purpose: str) -> list[bytes]:
    """Return the HMAC-SHA256 of the data under each key: store the first, search for all."""
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
