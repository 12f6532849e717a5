"""Classifies refusals of data by countable reasons."""

from __future__ import annotations

from enum import StrEnum

from contacthub_project.core import errors
from contacthub_project.core.errors import ContacthubError


class RefusedEntity(StrEnum):
    """The kind of the refused data."""

    CUSTOMER = "CUSTOMER"
    EVENT = "EVENT"


class RefusalOrigin(StrEnum):
    """How it was sent: in a single request, in a batch, or as a row of a bulk job."""

    REQUEST = "REQUEST"
    BATCH = "BATCH"
    BULK_JOB = "BULK_JOB"


class RefusalReason(StrEnum):
    """The reason of a refusal."""

    VALIDATION = "VALIDATION"
    JUNK_IDENTIFIER = "JUNK_IDENTIFIER"
    TYPE_DISABLED = "TYPE_DISABLED"
    CONSENT_MISSING = "CONSENT_MISSING"
    CUSTOMER_DISABLED = "CUSTOMER_DISABLED"
    UNKNOWN_CUSTOMER = "UNKNOWN_CUSTOMER"
    UNKNOWN_NODE = "UNKNOWN_NODE"
    NOT_ALLOWED = "NOT_ALLOWED"
    NODE_LOCKED = "NODE_LOCKED"
    CONFLICT = "CONFLICT"
    TOO_LARGE = "TOO_LARGE"
    FORGOTTEN = "FORGOTTEN"
    INTERNAL = "INTERNAL"


class UnknownCustomer(errors.NotFound):
    """The customer of an event does not exist."""


BY_CODE = {
    "forgotten": RefusalReason.FORGOTTEN,
    "placeholder": RefusalReason.JUNK_IDENTIFIER,
    "consent": RefusalReason.CONSENT_MISSING,
    "reference": RefusalReason.UNKNOWN_CUSTOMER,
    "conflict": RefusalReason.CONFLICT,
    "internal": RefusalReason.INTERNAL,
}
BY_KIND: tuple[tuple[type[ContacthubError], RefusalReason], ...] = (
    (UnknownCustomer, RefusalReason.UNKNOWN_CUSTOMER),
    (errors.NotFound, RefusalReason.UNKNOWN_NODE),
    (errors.TooLarge, RefusalReason.TOO_LARGE),
    (errors.Locked, RefusalReason.NODE_LOCKED),
    (errors.Conflict, RefusalReason.CONFLICT),
    (errors.Forbidden, RefusalReason.NOT_ALLOWED),
    (errors.UnsupportedMedia, RefusalReason.VALIDATION),
    (errors.Invalid, RefusalReason.VALIDATION),
)


def reason_of(refusal: ContacthubError) -> RefusalReason | None:
    """Return the reason of a refusal; None when it concerns the server's limits, not the data."""
    for error in refusal.errors:
        if error.code in BY_CODE:
            return BY_CODE[error.code]
        if error.code == "disabled":
            is_type = error.path == "/type"
            return RefusalReason.TYPE_DISABLED if is_type else RefusalReason.CUSTOMER_DISABLED
    return next((reason for kind, reason in BY_KIND if isinstance(refusal, kind)), None)
