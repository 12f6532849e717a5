"""Compares events with the same external id, to distinguish repetitions from conflicts.

Two bodies are equal when their canonical forms are: moments in UTC, numbers by value, objects in
any order of their keys, lists in order, absent equal to empty, and the same customer or bring-back
properties. A body without a date equals another without one.
"""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import orjson

from contacthub_project.core.identifiers import as_uuid
from events.domain.draft import BringBack, Content, Draft

LARGEST_EXACT = 2**53


def digest_of(draft: Draft) -> bytes | None:
    """Return the SHA-256 of a body's canonical form; None for an event without external id."""
    if draft.content.external_id is None:
        return None
    owner: list[Any] = [draft.customer_id and str(as_uuid(draft.customer_id))]
    if draft.bring_back is not None:
        owner = _bring_back_key(draft.bring_back)
    date = draft.content.date.isoformat() if draft.is_dated else None
    return hashlib.sha256(_canonical([owner, date, *_compared_content(draft.content)])).digest()


def is_the_same(
    draft: Draft,
    *,
    owner_id: UUID | None,
    kept: Content,
    kept_owner_id: UUID | None,
    kept_bring_back: BringBack | None,
) -> bool:
    """Return whether a body equals the current state of the stored event.

    `owner_id` is the customer of the body, if it is known. A body without a date equals any date.
    """
    if draft.is_dated and draft.content.date != kept.date:
        return False
    if owner_id is None or owner_id != kept_owner_id:
        given, known = draft.bring_back, kept_bring_back
        if given is None or known is None or _bring_back_key(given) != _bring_back_key(known):
            return False
    return _canonical(_compared_content(draft.content)) == _canonical(_compared_content(kept))


def _compared_content(content: Content) -> list[Any]:
    return [
        content.type, content.context, content.properties, content.context_info,
        content.tracking or {},
    ]  # fmt: skip


def _bring_back_key(bring_back: BringBack) -> list[str]:
    return [bring_back.kind, bring_back.value, bring_back.node_id.lower()]


def _canonical(value: Any) -> bytes:
    return orjson.dumps(_by_value(value), option=orjson.OPT_SORT_KEYS)


def _by_value(value: Any) -> Any:
    """Return the value with whole numbers as integers: 1.0 is 1."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_EXACT:
        return int(value)
    if isinstance(value, dict):
        return {key: _by_value(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_by_value(child) for child in value]
    return value
