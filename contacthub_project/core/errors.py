"""What can go wrong, without a word of HTTP; `contacthub_project.api` gives it a status.

Rules and actions raise these. Messages are for the client and hold no personal data but what the
client itself has just sent.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from contacthub_project.core.error_codes import Code


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) to the place that `parts` lead to."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of a request: a JSON pointer (RFC 6901) into it, what is wrong, a stable code
    (`contacthub_project.core.error_codes`), and what belongs to it."""

    path: str
    message: str
    code: Code
    data: Any = None


def unknown_references(
    given: Iterable[Hashable], known: Container[Hashable], *, at: str, message: str
) -> list[FieldError]:
    """A fault for each of `given` that is not `known`; `at` points there, `{}` being the index."""
    return [
        FieldError(at.format(index), message, "reference")
        for index, each in enumerate(given)
        if each not in known
    ]


class ContacthubError(Exception):
    """Base of all expected failures.

    `retry_after` is how many seconds to wait before trying again, where that helps.
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
    """The request says something that cannot be; `errors` names every place."""

    message = "The request is not valid"

    @classmethod
    def at(cls, path: str, message: str, code: Code) -> Invalid:
        """A single fault at one place."""
        return cls(errors=[FieldError(path, message, code)])


class Unauthorized(ContacthubError):
    """Nobody, or nobody we know."""

    message = "The client is not authorized to access the API"


class Forbidden(ContacthubError):
    """Known, but not allowed."""

    message = "The client is not allowed to do this"


class NotFound(ContacthubError):
    """No such thing in this workspace."""

    message = "Not found"


class Conflict(ContacthubError):
    """What was asked for contradicts what is there."""

    message = "Conflict"


class Gone(ContacthubError):
    """What was asked for is kept no longer."""

    message = "Kept no longer"


class Stale(ContacthubError):
    """The caller changed a version that is no longer the latest."""

    message = "The resource has changed since it was read"


class TooLarge(ContacthubError):
    """More bytes than allowed."""

    message = "The payload is too large"


class UnsupportedMedia(ContacthubError):
    """A body in another format than the one asked for."""

    message = "The body must be application/json"


class Locked(ContacthubError):
    """Busy with work that forbids this for now."""

    message = "Locked while it is being reorganised; try again later"


class LimitExceeded(ContacthubError):
    """Too many requests; `headers` tell what is left."""

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
    """Something this depends on is away; trying again helps."""

    message = "Temporarily unavailable; try again"
    retry_after = 1
