"""How a body changes a document: PATCH or PUT, with or without mode STRICT."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Protocol

from customers.domain.merge import (
    Document,
    for_replace,
    for_update,
)


class Mode(Enum):
    """How a body changes a customer: PATCH or PUT, STRICT or not."""

    PATCH = "PATCH"
    PATCH_STRICT = "PATCH STRICT"
    PUT = "PUT"
    PUT_STRICT = "PUT STRICT"

    @property
    def is_whole(self) -> bool:
        """Whether the body must hold all mandatory properties."""
        return self in {Mode.PUT, Mode.PUT_STRICT}

    def applied(self, existing: Mapping[str, Any], given: Mapping[str, Any]) -> Document:
        """Return the document after the change."""
        if self is Mode.PUT_STRICT:
            return for_replace(given)
        return for_update(existing, given, strict=self is Mode.PATCH_STRICT)


class DocumentChange(Protocol):
    """An algorithm for changing a document by a body; a `Mode` is one."""

    @property
    def is_whole(self) -> bool: ...

    def applied(self, existing: Mapping[str, Any], given: Mapping[str, Any]) -> Document: ...
