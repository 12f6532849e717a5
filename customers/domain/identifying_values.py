"""Extracts values that identify a person: external id, matching properties, e-mails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from configuration.domain.matching_policy import MatchingPolicy
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.text import folded
from customers.domain.matching import all_keys
from customers.domain.paths import value_at

FORGOTTEN = "(forgotten)"  # what stands where a forgotten person was quoted
DISTINCTIVE = 6  # the least characters of a text that is looked for within others
EXTERNAL_ID = "externalId"
EMAIL = "base.contacts.email"
OTHER_CONTACTS = "base.contacts.otherContacts"


def identities_of(policy: MatchingPolicy, document: Mapping[str, Any]) -> set[str]:
    """Return each identity of a profile or row body, as text normalised by the node's policy.

    All properties of a matching rule together are one identity: a first name alone identifies
    nobody.
    """
    found = set()
    external_id = document.get(EXTERNAL_ID)
    if isinstance(external_id, str) and external_id.strip():
        text = (
            folded(external_id)
            if policy.ignores_case_of(EXTERNAL_ID)
            else canonical_identifier(external_id)
        )
        found.add(f"{EXTERNAL_ID} {text}")
    for address in emails_of(document):
        text = canonical_identifier(address) if policy.case_sensitive else folded(address)
        found.add(f"email {text}")
    found.update(f"key {key.hex()}" for key in all_keys(policy, document).values())
    return found


def emails_of(document: Mapping[str, Any]) -> Iterator[str]:
    """Return the e-mail addresses of a profile, or of an unvalidated row body."""
    others = value_at(document, OTHER_CONTACTS)
    listed = [each.get("value") for each in others or () if isinstance(each, dict)]
    for value in (value_at(document, EMAIL), *listed):
        if isinstance(value, str) and "@" in value:
            yield value


def texts_of(policy: MatchingPolicy, document: Mapping[str, Any]) -> set[str]:
    """Return the identifying values of a person, as texts."""
    values = (value_at(document, path) for path in (EXTERNAL_ID, *policy.identifying))
    return {each for each in (*values, *emails_of(document)) if isinstance(each, str) and each}


def every_text_of(value: Any) -> list[str]:
    """Return all texts of a profile, the longest first."""
    return sorted(set(_texts_in(value)), key=lambda text: (-len(text), text))


def quotable_texts(document: Mapping[str, Any]) -> list[str]:
    """Return the texts that point to nobody else: the external id and all ways of contact.

    Short ones may stand for something else; they are left out.
    """
    contacts = value_at(document, "base.contacts")
    texts = {document.get(EXTERNAL_ID), *emails_of(document), *_texts_in(contacts)}
    return [each for each in texts if isinstance(each, str) and len(each.strip()) >= DISTINCTIVE]


def without_texts(value: Any, texts: Sequence[str]) -> Any:
    """Return a JSON value in whose texts FORGOTTEN stands for each of `texts`, in any case."""
    if not texts:
        return value
    quoted = re.compile("|".join(re.escape(each.strip()) for each in texts), re.IGNORECASE)

    def cleaned(value: Any) -> Any:
        if isinstance(value, str):
            return quoted.sub(FORGOTTEN, value)
        if isinstance(value, Mapping):
            return {name: cleaned(child) for name, child in value.items()}
        if isinstance(value, list):
            return [cleaned(child) for child in value]
        return value

    return cleaned(value)


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.strip():
        yield value
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from _texts_in(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts_in(child)
