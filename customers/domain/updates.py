"""Types of the change feed's documents: the update stream, webhooks and previews have them."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class UpdatedEntity(TypedDict):
    """An entity of the change feed; `data` is its current response, or the ids of a deleted one."""

    type: str
    data: Any


class Update(TypedDict):
    """A change of the feed, in the form of responses.

    `recordedOperation` is the original operation, where the entity has been deleted since and
    `operation` says so.
    """

    offset: int
    operation: str
    recordedOperation: NotRequired[str]
    entity: UpdatedEntity
