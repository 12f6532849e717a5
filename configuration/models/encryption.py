"""Secrets that must be used again, such as keys to other services: kept encrypted.

The key is derived from ENCRYPTION_KEYS, or from SECRET_KEY where none is given. To change it, put
the new one first and keep the old one behind it until everything has been written anew.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def encrypt(secret: str) -> bytes:
    """What is stored of a secret."""
    return _fernet().encrypt(secret.encode())


def decrypt(stored: bytes) -> str:
    """The secret again; raises cryptography's InvalidToken when no key fits."""
    return _fernet().decrypt(bytes(stored)).decode()


def _fernet() -> MultiFernet:
    keys = settings.ENCRYPTION_KEYS or [settings.SECRET_KEY]
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    derivation = HKDF(hashes.SHA256(), length=32, salt=None, info=b"contacthub secrets")
    return base64.urlsafe_b64encode(derivation.derive(key.encode()))
