"""Forms in which values that identify a person are compared."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import idna
import phonenumbers

from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.text import folded

GMAIL = frozenset({"gmail.com", "googlemail.com"})
# Longer text is no telephone number.
LONGEST_PHONE = 40


class Normalizer(StrEnum):
    """Ways to compare values. TEXT ignores case, EXACT does not."""

    TEXT = "TEXT"
    EXACT = "EXACT"
    EMAIL = "EMAIL"
    PHONE = "PHONE"


def normalized(value: Any, normalizer: Normalizer, *, country: str | None, gmail: bool) -> Any:
    """Return the compared form of a value, None when it has none.

    Text is compared in Unicode normal form C, without surrounding space.
    """
    if isinstance(value, str):
        if normalizer == Normalizer.EXACT:
            return canonical_identifier(value) or None
        if normalizer == Normalizer.EMAIL:
            return email_address(value, gmail=gmail)
        if normalizer == Normalizer.PHONE:
            return phone_number(value, country)
        return folded(value) or None
    if normalizer in {Normalizer.EMAIL, Normalizer.PHONE}:
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def email_address(text: str, *, gmail: bool = False) -> str | None:
    """Return an address without regard to case, its domain in ASCII (IDNA); None if it is none.

    With `gmail`, addresses that reach the same Gmail mailbox are equal.
    """
    local, at, domain = folded(text).rpartition("@")
    if not (local and at and domain):
        return None
    domain = _ascii_domain(domain)
    if gmail and domain in GMAIL:
        local, domain = local.partition("+")[0].replace(".", ""), "gmail.com"
    return f"{local}@{domain}" if local else None


def phone_number(text: str, country: str | None) -> str | None:
    """Return a telephone number in E.164, None if it is none.

    `country` (ISO 3166-1 alpha-2) is that of numbers without a prefix; None: these are none.
    """
    if len(text) > LONGEST_PHONE:
        return None
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain.rstrip(".")
    try:
        return idna.encode(domain, uts46=True).decode().rstrip(".")
    except idna.IDNAError:
        return domain
