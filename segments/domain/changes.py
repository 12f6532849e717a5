"""What a customer did to a segment."""

from __future__ import annotations

from enum import StrEnum


class ChangeType(StrEnum):
    """What a customer did to a segment."""

    ENTERED = "ENTERED"
    LEFT = "LEFT"

    @classmethod
    def of(cls, *, has_entered: bool) -> ChangeType:
        """Return the type of a change."""
        return cls.ENTERED if has_entered else cls.LEFT
