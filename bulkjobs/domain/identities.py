"""What names a person in a row: external id, what the node recognises people by, e-mails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from configuration.domain.matching_policy import MatchingPolicy
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.text import folded
from customers.domain.matching import match_key
from customers.domain.paths import value_at

EXTERNAL_ID = "externalId"
EMAIL = "base.contacts.email"
OTHER_CONTACTS = "base.contacts.otherContacts"


def identities_of(policy: MatchingPolicy, document: Mapping[str, Any]) -> set[str]:
    """Each identity that a profile, or a row's body, has: equal as texts where the node says so.

    Values count as a whole. All the properties that the node recognises people by are one identity
    together: a first name alone names nobody.
    """
    found = set()
    folds_ids = EXTERNAL_ID in policy.properties and not policy.case_sensitive
    external_id = document.get(EXTERNAL_ID)
    if isinstance(external_id, str) and external_id.strip():
        text = folded(external_id) if folds_ids else canonical_identifier(external_id)
        found.add(f"{EXTERNAL_ID} {text}")
    for address in emails_of(document):
        text = canonical_identifier(address) if policy.case_sensitive else folded(address)
        found.add(f"email {text}")
    key = match_key(policy, document)
    if key is not None:
        found.add(f"key {key.hex()}")
    return found


def emails_of(document: Mapping[str, Any]) -> Iterator[str]:
    """The e-mail addresses of a profile, or of a row's body that nobody has checked yet."""
    others = value_at(document, OTHER_CONTACTS)
    listed = [each.get("value") for each in others or () if isinstance(each, dict)]
    for value in (value_at(document, EMAIL), *listed):
        if isinstance(value, str) and "@" in value:
            yield value


def texts_of(policy: MatchingPolicy, document: Mapping[str, Any]) -> set[str]:
    """The identifiers of a person, as texts."""
    values = (value_at(document, path) for path in (EXTERNAL_ID, *policy.properties))
    return {each for each in (*values, *emails_of(document)) if isinstance(each, str) and each}
