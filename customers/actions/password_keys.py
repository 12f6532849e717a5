"""Encrypts stored passwords under the first key, so that old keys can be removed."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import orjson
from cryptography.fernet import InvalidToken

from contacthub_project.db.encryption import PASSWORDS, reencrypt
from contacthub_project.db.sql import fetch_all, fetch_records, load
from customers.models.passwords import ENCRYPTED, encrypted

SOME = load("customers/sql/some_passwords")
REPLACE = load("customers/sql/replace_passwords")
ROWS_AT_ONCE = 500


class StoredPassword(NamedTuple):
    """A customer's password as JSON: encrypted, or plain in records of long ago."""

    customer_id: UUID
    stored: str


def reencrypt_passwords(workspace_id: UUID) -> tuple[int, int]:
    """Encrypt a workspace's passwords under the first key; return how many, and how many failed.

    Those that no key can decrypt fail. Includes deleted customers'. Each batch is a transaction; a
    concurrent change of a password wins, and uses the first key too. It can be interrupted and
    repeated.
    """
    done, unreadable, after = 0, 0, UUID(int=0)
    while True:
        parameters = {"workspace_id": workspace_id, "after": after, "most": ROWS_AT_ONCE}
        found = fetch_records(StoredPassword, SOME, parameters, prepare=False)
        if not found:
            return done, unreadable
        after = found[-1].customer_id
        changes = []
        for customer_id, stored in found:
            try:
                changes.append([customer_id, stored, _under_first_key(orjson.loads(stored))])
            except InvalidToken:
                unreadable += 1
        columns = zip(*changes, strict=True) if changes else ([], [], [])
        ids, before, new = map(list, columns)
        replaced = {"workspace_id": workspace_id, "ids": ids, "before": before, "new": new}
        done += len(fetch_all(REPLACE, replaced, prepare=False))


def _under_first_key(stored: dict[str, str] | str) -> str:
    """Return the JSON of a stored password; plain ones are encrypted too."""
    if isinstance(stored, str):
        return orjson.dumps(encrypted(stored)).decode()
    token = reencrypt(stored[ENCRYPTED].encode(), purpose=PASSWORDS)
    return orjson.dumps({ENCRYPTED: token.decode()}).decode()
