"""Cursors: encrypted positions in a list, where the next page begins.

A cursor holds values of the last element, which may be personal data while proxies log addresses:
it is encrypted. It is valid for one list: the same workspace, node, query and order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from cryptography.fernet import InvalidToken

from contacthub_project.api.pagination import ENTITIES, Page, PageDocument
from contacthub_project.api.query import QueryParameters
from contacthub_project.db.encryption import CURSORS, decrypt, encrypt

LONGEST_CURSOR = 8192


@dataclass(frozen=True, slots=True)
class Cursor:
    """The end of a page: the sort values of its last element, as text.

    `number` is the page that follows, from 0; `total` the number of matches when the first page was
    read.
    """

    values: Sequence[str | None]
    number: int
    total: int


def cursor_text(cursor: Cursor, scope: Sequence[Any]) -> str:
    """Return the encrypted cursor; `scope` identifies the list by JSON values."""
    content = [_digest(scope), list(cursor.values), cursor.number, cursor.total]
    return encrypt(orjson.dumps(content).decode(), purpose=CURSORS).decode().rstrip("=")


def cursor_of(text: str, scope: Sequence[Any]) -> Cursor | None:
    """Return the cursor of this list that a text encodes; None for anything else."""
    padded = text + "=" * (-len(text) % 4)
    try:
        content = orjson.loads(decrypt(padded.encode("ascii"), purpose=CURSORS))
    except (InvalidToken, UnicodeEncodeError):
        return None
    digest, values, number, total = content
    return Cursor(values, number, total) if digest == _digest(scope) else None


@dataclass(frozen=True, slots=True)
class CursorPage:
    """A page of a list with a cursor; `scope` identifies the list by JSON values."""

    page: Page
    scope: Sequence[Any]
    cursor: Cursor | None

    @classmethod
    def from_query(cls, parameters: QueryParameters, scope: Sequence[Any]) -> CursorPage:
        """Read `cursor`, `page` and `size`; faults are added to `parameters`."""
        page = Page.from_query(parameters, ENTITIES)
        text = parameters.text("cursor", longest=LONGEST_CURSOR)
        if text is None:
            return cls(page, scope, None)
        if parameters.has("page"):
            parameters.fault("cursor", "cannot be given with page")
        cursor = cursor_of(text, scope)
        if cursor is None:
            parameters.fault("cursor", "is not a cursor of this list with this query and order")
            return cls(page, scope, None)
        return cls(replace(page, number=cursor.number), scope, cursor)

    @property
    def after(self) -> Sequence[str | None] | None:
        """Return the sort values of the row before the page; None for the first page."""
        return None if self.cursor is None else self.cursor.values

    def of(
        self,
        elements: Sequence[Any],
        *,
        total: int | None,
        unfiltered: int | None = None,
        last: Sequence[str | None] | None,
    ) -> PageDocument:
        """Return the response; `last` are the sort values of the last row, None on the last page.

        Later pages repeat the total of the first.
        """
        if self.cursor is not None:
            total = self.cursor.total
        total = total or 0
        following = None
        if last is not None:
            following = cursor_text(Cursor(last, self.page.number + 1, total), self.scope)
        document = self.page.of(elements, total=total, unfiltered=unfiltered)
        document["page"]["next"] = following
        return document


def _digest(scope: Sequence[Any]) -> str:
    text = orjson.dumps(list(scope), default=str)
    return hashlib.sha256(text).hexdigest()[:32]
