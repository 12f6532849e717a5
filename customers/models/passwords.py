"""Passwords of customers in their stored form: encrypted, `{"encrypted": "…"}`.

No client can send an object as a password, so the two forms cannot be confused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.fernet import InvalidToken

from contacthub_project.db.encryption import PASSWORDS, decrypt, encrypt
from customers.domain.passwords import password_in, with_password

ENCRYPTED = "encrypted"


def with_encrypted_password(base: dict[str, Any]) -> dict[str, Any]:
    """Return the properties `base` in stored form; the same object without a plain password."""
    password = password_in(base)
    return with_password(base, encrypted(password)) if isinstance(password, str) else base


def with_readable_password(base: dict[str, Any]) -> dict[str, Any]:
    """Return the stored properties `base` with the plain password.

    One that no key can decrypt stays in its stored form, so that other changes do not lose it.
    """
    password = password_in(base)
    if not isinstance(password, Mapping):
        return base
    try:
        return with_password(base, decrypted(password))
    except InvalidToken:
        return base


def encrypted(password: str) -> dict[str, str]:
    """Return the password in its stored form."""
    return {ENCRYPTED: encrypt(password, purpose=PASSWORDS).decode()}


def decrypted(stored: Mapping[str, str]) -> str:
    """Return the plain password; raises cryptography's InvalidToken when no key fits."""
    return decrypt(stored[ENCRYPTED].encode(), purpose=PASSWORDS)
