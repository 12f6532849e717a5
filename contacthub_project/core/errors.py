"""The expected failures of the product, independent of HTTP.

Domain code and actions raise them; `contacthub_project.api.exception_handler` maps them to
statuses. Messages are for clients and hold no personal data except what the client has just sent.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from contacthub_project.core.error_codes import Code


def pointer(*parts: str | int) -> str:
    """Return the JSON pointer (RFC 6901) with these parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of a request.

    `path` is a JSON pointer (RFC 6901) into the request, `code` a stable name of the broken rule
    (`contacthub_project.core.error_codes`), `data` what belongs to the fault, such as a count.
    """

    path: str
    message: str
    code: Code
    data: Any = None


def unknown_references(
    given: Iterable[Hashable], known: Container[Hashable], *, at: str, message: str
) -> list[FieldError]:
    """Return a fault with code `reference` for each item of `given` that is not in `known`.

    `at` is a pointer in which `{}` stands for the item's index.
    """
    return [
        FieldError(at.format(index), message, "reference")
        for index, each in enumerate(given)
        if each not in known
    ]


class ContacthubError(Exception):
    """Base of all expected failures.

    `retry_after` is the number of seconds after which to try again, None where that does not help.
    """

    message = "The request could not be served"
    retry_after: int | None = None

    def __init__(
        self,
        message: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        data: dict[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message or self.message)
        self.message = message or self.message
        self.errors = list(errors)
        self.data = data
        if retry_after is not None:
            self.retry_after = retry_after


class Invalid(ContacthubError):
    """The request is wrong; `errors` holds every fault."""

    message = "The request is not valid"

    @classmethod
    def at(cls, path: str, message: str, code: Code) -> Invalid:
        """Return a failure with a single fault."""
        return cls(errors=[FieldError(path, message, code)])


class Unauthorized(ContacthubError):
    """There is no token, or it is unknown or no longer valid."""

    message = "The client is not authorized to access the API"


class Forbidden(ContacthubError):
    """The caller is known and may not do this."""

    message = "The client is not allowed to do this"


class NotFound(ContacthubError):
    """The workspace has no such resource."""

    message = "Not found"


class Conflict(ContacthubError):
    """The request contradicts the stored data."""

    message = "Conflict"


class Gone(ContacthubError):
    """The data has been trimmed."""

    message = "Kept no longer"


class Stale(ContacthubError):
    """`If-Match` names another version than the latest one."""

    message = "The resource has changed since it was read"


class RequestTimeout(ContacthubError):
    """The client sends its request too slowly."""

    message = "The body comes too slowly"


class TooLarge(ContacthubError):
    """The body is larger than allowed."""

    message = "The payload is too large"


class UnsupportedMedia(ContacthubError):
    """The body has another content type than the operation takes."""

    message = "The body must be application/json"


class Locked(ContacthubError):
    """The resource is locked by a task, such as re-keying or emptying a node."""

    message = "Locked while it is being reorganised; try again later"


class LimitExceeded(ContacthubError):
    """There were too many requests; `headers` are RateLimit headers."""

    message = "Too many requests"

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after: int,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.headers = headers or {}


class Unavailable(ContacthubError):
    """A server that the request needs does not respond; trying again helps."""

    message = "Temporarily unavailable; try again"
    retry_after = 1


class NoRoom(Unavailable):
    """There is too little free space on the disk."""

    message = "There is too little room on the disk; try again later"
    retry_after = 10  # an operator has to free space
