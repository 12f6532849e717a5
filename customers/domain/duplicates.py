"""Features and likeness of customers that may be the same person.

Pure. Only customers that share a blocking key are compared. A blocking key is a hash: it reveals
only that two values are equal.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from configuration.domain.normalizers import phone_number
from contacthub_project.core.text import folded
from customers.domain.paths import value_at

# The significant digits of a number, where the country of those without a prefix is not known.
PHONE_DIGITS = 9
FEWEST_PHONE_DIGITS = 7
FEWEST_LETTERS = 4  # in the local part of an address
# Shared mailboxes and generic names.
SHARED_MAILBOXES = frozenset({
    "admin", "amministrazione", "commerciale", "contact", "contatti", "family", "famiglia", "hello",
    "help", "info", "mail", "office", "posta", "sales", "segreteria", "service", "shop", "spam",
    "support", "team", "test", "ufficio", "webmaster",
})  # fmt: skip
LEAST_SCORE = 0.6
ALIKE, SIMILAR, STRANGE = 0.99, 0.5, 0.2  # of names, by trigrams


class DuplicateReason(StrEnum):
    """What two customers have in common."""

    SAME_IDENTITY = "SAME_IDENTITY"  # equal by a matching rule of the node, found when written
    SAME_EMAIL = "SAME_EMAIL"
    SAME_MAILBOX_NAME = "SAME_MAILBOX_NAME"
    SAME_PHONE = "SAME_PHONE"
    SAME_EXTERNAL_ID = "SAME_EXTERNAL_ID"
    SAME_NAME = "SAME_NAME"
    SIMILAR_NAME = "SIMILAR_NAME"
    SAME_BIRTHDAY = "SAME_BIRTHDAY"
    SAME_ZIP = "SAME_ZIP"


WEIGHTS = {
    DuplicateReason.SAME_EMAIL: 0.7,
    DuplicateReason.SAME_MAILBOX_NAME: 0.3,
    DuplicateReason.SAME_PHONE: 0.5,
    DuplicateReason.SAME_EXTERNAL_ID: 0.6,
    DuplicateReason.SAME_NAME: 0.35,
    DuplicateReason.SIMILAR_NAME: 0.2,
    DuplicateReason.SAME_BIRTHDAY: 0.3,
    DuplicateReason.SAME_ZIP: 0.1,
}
# Evidence against: both have a value, and they differ.
OTHER_BIRTHDAY, OTHER_NAME = 0.4, 0.35


@dataclass(frozen=True, slots=True)
class Features:
    """The compared values of a customer, normalised; None or empty without one."""

    email: str | None
    mailbox: str | None
    phones: frozenset[str]
    external_id: str | None
    name: str | None
    birthday: str | None
    zip: str | None

    @classmethod
    def of(cls, document: Mapping[str, Any], country: str | None = None) -> Features:
        """Return the features of a stored document.

        `country` (ISO 3166-1 alpha-2) is that of telephone numbers without a prefix.
        """
        email = _email(value_at(document, "base.contacts.email"))
        numbers = (value_at(document, f"base.contacts.{name}") for name in ("mobilePhone", "phone"))
        return cls(
            email=email,
            mailbox=None if email is None else _mailbox(email),
            phones=frozenset(
                found for each in numbers if (found := _phone(each, country)) is not None
            ),
            external_id=_text(document.get("externalId")),
            name=_name(document),
            birthday=_text(value_at(document, "base.dob")),
            zip=_text(value_at(document, "base.address.zip")),
        )

    def blocks(self) -> Iterator[tuple[str, str]]:
        """Return the blocks of a customer, shared by similar ones: kinds and values."""
        if self.email is not None:
            yield "email", self.email
        if self.mailbox is not None:
            yield "mailbox", self.mailbox
        for phone in sorted(self.phones):
            yield "phone", phone
        if self.external_id is not None:
            yield "external id", self.external_id
        if self.name is not None and self.zip is not None:
            yield "name and zip", f"{self.name} {self.zip}"
        if self.name is not None and self.birthday is not None:
            yield "name and birthday", f"{self.name} {self.birthday}"
        if self.birthday is not None and self.zip is not None:
            yield "birthday and zip", f"{self.birthday} {self.zip}"


def blocking_keys(workspace_id: UUID, node_id: UUID, features: Features) -> list[int]:
    """Return the blocking keys of a customer, as 64-bit numbers; they differ by workspace."""
    return sorted(
        {
            int.from_bytes(
                hashlib.blake2b(
                    f"{node_id} {kind} {value}".encode(), digest_size=8, key=workspace_id.bytes
                ).digest(),
                signed=True,
            )
            for kind, value in features.blocks()
        }
    )


def likeness(one: Features, other: Features) -> tuple[float, list[DuplicateReason]]:
    """Return the probability that two customers are one person, from 0 to 1, and the reasons."""
    reasons = []
    if one.email is not None and one.email == other.email:
        reasons.append(DuplicateReason.SAME_EMAIL)
    elif one.mailbox is not None and one.mailbox == other.mailbox:
        reasons.append(DuplicateReason.SAME_MAILBOX_NAME)
    if one.phones & other.phones:
        reasons.append(DuplicateReason.SAME_PHONE)
    if one.external_id is not None and one.external_id == other.external_id:
        reasons.append(DuplicateReason.SAME_EXTERNAL_ID)
    against = 0.0
    if one.name is not None and other.name is not None:
        similarity = trigram_similarity(one.name, other.name)
        if similarity >= ALIKE:
            reasons.append(DuplicateReason.SAME_NAME)
        elif similarity >= SIMILAR:
            reasons.append(DuplicateReason.SIMILAR_NAME)
        elif similarity < STRANGE:
            against += OTHER_NAME
    if one.birthday is not None and other.birthday is not None:
        if one.birthday == other.birthday:
            reasons.append(DuplicateReason.SAME_BIRTHDAY)
        else:
            against += OTHER_BIRTHDAY
    if one.zip is not None and one.zip == other.zip:
        reasons.append(DuplicateReason.SAME_ZIP)
    score = sum(WEIGHTS[reason] for reason in reasons) - against
    return round(min(1.0, max(0.0, score)), 2), reasons


def trigram_similarity(one: str, other: str) -> float:
    """Return the share of common trigrams of two texts (Jaccard), from 0 to 1."""
    if one == other:
        return 1.0
    first, second = _trigrams(one), _trigrams(other)
    return len(first & second) / len(first | second)


def _trigrams(text: str) -> set[str]:
    found: set[str] = set()
    for word in text.split():
        padded = f"  {word} "
        found.update(padded[start : start + 3] for start in range(len(padded) - 2))
    return found


def _text(value: Any) -> str | None:
    return (folded(value) or None) if isinstance(value, str) else None


def _name(document: Mapping[str, Any]) -> str | None:
    """Return first and last name without accents and signs, in alphabetical order."""
    parts = [value_at(document, f"base.{name}") for name in ("firstName", "lastName")]
    if not all(isinstance(each, str) and each.strip() for each in parts):
        return None
    plain = unicodedata.normalize("NFKD", folded(" ".join(parts)))
    words = re.findall(r"\w+", "".join(each for each in plain if not unicodedata.combining(each)))
    return " ".join(sorted(words)) or None


def _phone(value: Any, country: str | None) -> str | None:
    """Return a number in E.164; its last digits without a country, all of them if it is none."""
    if not isinstance(value, str):
        return None
    digits = "".join(each for each in value if each in "0123456789")
    if len(digits) < FEWEST_PHONE_DIGITS:
        return None
    if country is None:
        return digits[-PHONE_DIGITS:]
    return phone_number(value, country) or digits


def _email(value: Any) -> str | None:
    text = _text(value)
    return text if text is not None and "@" in text else None


def _mailbox(email: str) -> str | None:
    """Return the local part of an address, normalised; None for shared mailboxes."""
    local = email.rpartition("@")[0].partition("+")[0].replace(".", "")
    if len(local) < FEWEST_LETTERS or local in SHARED_MAILBOXES:
        return None
    return local
