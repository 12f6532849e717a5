"""The base of view sets that write events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter

from configuration.api.scoping import WorkspaceScopedViewSet
from contacthub_project.api.viewsets import absolute_address
from contacthub_project.core.errors import Conflict, ContacthubError, Invalid
from events.actions.idempotency import answered_once

LONGEST_KEY = 255
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    OpenApiParameter.HEADER,
    description=(
        "A key of the client's own for this request. The same key and body within a day are"
        " answered as the first time, and nothing is taken in twice; another body is refused."
    ),
)


class EventWritingViewSet(WorkspaceScopedViewSet):
    """Answers repeated requests once, and refusals to each caller as far as it may know."""

    def answered_once(self, answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `answer` gives; with an Idempotency-Key, what it gave the first time.

        Raises Invalid for a key that is none.
        """
        key = self.request.headers.get("Idempotency-Key")
        if key is None:
            return answer()
        if not key.strip() or len(key) > LONGEST_KEY or not key.isprintable():
            message = f"must be 1 to {LONGEST_KEY} printable characters"
            raise Invalid.at("/Idempotency-Key", message, "header")
        scoped = f"{self.request.path}\n".encode() + self.request.body
        return answered_once(self.workspace.id, key, scoped, answer, by=self.caller)

    def refusal_for_caller(self, refusal: ContacthubError) -> ContacthubError:
        """A refusal; a conflict with the other event's address, or not a word to the untrusted."""
        if not isinstance(refusal, Conflict) or refusal.data is None:
            return refusal
        if not self.caller.may_read_profiles:
            return Conflict("Conflict with existing event", errors=refusal.errors)
        other = refusal.data["event"]["id"]
        href = absolute_address(self.request, f"/workspaces/{self.workspace.id}/events/{other}")
        data = {"event": {"id": other, "href": href}}
        return Conflict(refusal.message, errors=refusal.errors, data=data)
