"""Encrypts passwords in journals of merges under the first key, so that old keys can be removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models import Q

from contacthub_project.db.encryption import PASSWORDS, reencrypt
from customers.domain.passwords import password_in, with_password
from customers.models import MergedCustomer, RecordMerge
from customers.models.customer_row import CustomerRow
from customers.models.passwords import ENCRYPTED

BASE = CustomerRow._fields.index("base")
HELD_PASSWORD = {
    name: Q(**{f"{name}__{BASE}__credential__password__isnull": False})
    for name in ("before", "after", "row")
}


def reencrypt_journals(workspace_id: UUID) -> tuple[int, int]:
    """Encrypt the passwords of a workspace's journals under the first key.

    Return how many, and how many no key can decrypt. A journal is a transaction; one that is
    removed or undone meanwhile is left alone.
    """
    done = unreadable = 0
    for merge_id in _journals(workspace_id):
        with transaction.atomic():
            merges = RecordMerge.objects.in_workspace(workspace_id).select_for_update()
            merge = merges.filter(id=merge_id, before__isnull=False).first()
            if merge is None:
                continue
            merged = MergedCustomer.objects.in_workspace(workspace_id).filter(
                merge_id=merge_id, row__isnull=False
            )
            holders: list[Any] = [merge, *merged]
            for holder in holders:
                names = ["before", "after"] if holder is merge else ["row"]
                for name in names:
                    try:
                        row = _under_first_key(getattr(holder, name))
                    except InvalidToken:
                        unreadable += 1
                        continue
                    if row is not None:
                        setattr(holder, name, row)
                        done += 1
                holder.save(update_fields=names)
    return done, unreadable


def _journals(workspace_id: UUID) -> Iterator[UUID]:
    """Return the merges whose journals hold a password."""
    merges = RecordMerge.objects.in_workspace(workspace_id)
    own = merges.filter(HELD_PASSWORD["before"] | HELD_PASSWORD["after"])
    merged = MergedCustomer.objects.in_workspace(workspace_id).filter(HELD_PASSWORD["row"])
    yield from sorted(
        {*own.values_list("id", flat=True), *merged.values_list("merge_id", flat=True)}
    )


def _under_first_key(row: list[Any]) -> list[Any] | None:
    """Return a stored row with its password under the first key; None without one."""
    stored = password_in(row[BASE])
    if not isinstance(stored, Mapping):
        return None
    token = reencrypt(stored[ENCRYPTED].encode(), purpose=PASSWORDS)
    changed = list(row)
    changed[BASE] = with_password(row[BASE], {ENCRYPTED: token.decode()})
    return changed
