"""Rules for values of forgotten people that return."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from configuration.domain.matching_policy import MatchingPolicy
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.text import folded
from contacthub_project.core.timestamps import parse_timestamp
from customers.domain.identifying_values import emails_of
from customers.domain.matching import all_keys

EMAIL, EXTERNAL_ID, KEY = "EMAIL", "EXTERNAL_ID", "KEY"

# A kind, the node in which the value identifies a person (None: in all), and the value as it is
# compared.
Identity = tuple[str, UUID | None, str]


class Decision(Enum):
    """Whether a write with the values of a forgotten person is accepted."""

    REFUSED = "REFUSED"
    NOTED = "NOTED"


def decision_on(mode: str, *, is_import: bool, has_consent: bool) -> Decision:
    """Apply a workspace's `suppression` to such a write; not called for OFF.

    `has_consent`: the body has a consent given after the person was forgotten.
    """
    if mode == "REFUSE":
        return Decision.REFUSED
    if mode == "ALLOW_WITH_CONSENT":
        return Decision.NOTED if has_consent else Decision.REFUSED
    return Decision.REFUSED if is_import else Decision.NOTED


def identities(
    node_id: UUID, policy: MatchingPolicy, document: Mapping[str, Any], *, everywhere: bool
) -> Iterator[Identity]:
    """Return the identifying values in a node and, unless valid in that node only, everywhere."""
    external_id = document.get("externalId")
    if isinstance(external_id, str) and external_id.strip():
        ignores_case = policy.ignores_case_of("externalId")
        text = folded(external_id) if ignores_case else canonical_identifier(external_id)
        yield EXTERNAL_ID, node_id, text
    places = [node_id, None] if everywhere else [node_id]
    for address in {folded(each) for each in emails_of(document)}:
        for place in places:
            yield EMAIL, place, address
    for number, key in all_keys(policy, document).items():
        is_own = policy.all_rules[number].paths == ["externalId"]
        for place in [node_id] if is_own else places:
            yield KEY, place, key.hex()


def has_fresh_consent(given: Mapping[str, Any], since: datetime) -> bool:
    """Return whether a body gives a consent whose disclaimer was not read before a moment."""
    consents = given.get("consents") or {}
    date = (consents.get("disclaimer") or {}).get("date")
    read_at = parse_timestamp(date) if isinstance(date, str) else None
    return _gives_consent(consents) and (read_at is None or read_at >= since)


def _gives_consent(consents: Any) -> bool:
    if not isinstance(consents, Mapping):
        return False
    return consents.get("status") is True or any(map(_gives_consent, consents.values()))
