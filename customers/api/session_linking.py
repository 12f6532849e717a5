"""The parameter `sessionId` of customers' writes: links a visitor's session to the customer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter

from configuration.domain.placeholders import identifier_faults
from configuration.queries.rules import WorkspaceRules
from contacthub_project.api.parameters import text_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.core.errors import Conflict
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.principal import Principal
from contacthub_project.db.deadlocks import repeated_on_deadlock
from contacthub_project.runtime.blocking import in_thread, run_blocking
from customers.actions.identity_locks import Identity, lock_identities
from customers.actions.sessions import link_session
from customers.domain.identities import EXTERNAL_ID, SESSION_ID
from customers.models.session import LONGEST_VALUE

SESSION = text_parameter(
    "sessionId",
    "A session of an anonymous visitor to be linked to the customer; its events become theirs.",
    longest=LONGEST_VALUE,
)
WARNING_HEADER = OpenApiParameter(
    "Warning",
    str,
    OpenApiParameter.HEADER,
    response=[200, 201],
    description="The session of `sessionId` belongs to another customer, and stays theirs.",
)
# RFC 7234, section 5.5: the text of code 199 is for people.
SESSION_NOT_LINKED = '199 - "The session belongs to another customer and was not linked"'

Written = TypeVar("Written")


@dataclass(frozen=True, slots=True)
class SessionLinking:
    """The session of the parameter `sessionId`, None without it, and its node and author."""

    value: str | None
    workspace_id: UUID
    node_id: UUID
    by: Principal

    @classmethod
    def from_query(
        cls, request: HttpRequest, workspace: WorkspaceRules, node_id: UUID, by: Principal
    ) -> SessionLinking:
        """Read the parameter; raises Invalid for a value that no session can have."""
        parameters = QueryParameters(request)
        value = parameters.text("sessionId", longest=LONGEST_VALUE)
        if value is None and not parameters.faults:
            return cls(None, workspace.id, node_id, by)
        for fault in identifier_faults(value, workspace.placeholders, at="/sessionId"):
            parameters.fault("sessionId", fault.message)
        parameters.raise_faults()
        return cls(value, workspace.id, node_id, by)

    async def written(
        self,
        write: Callable[[], Awaitable[Written]],
        *,
        body: Mapping[str, Any],
        customer_of: Callable[[Written], UUID],
    ) -> tuple[Written, dict[str, str]]:
        """Return the result of `write`, with the session linked in its transaction.

        `body` is what is written. If the session is another customer's, it is not linked, the write
        is kept, and headers of the response say so.
        """
        if self.value is None:
            return await write(), {}
        return await in_thread(
            partial(self._written, self._identities(self.value, body), write, customer_of)
        )

    @repeated_on_deadlock
    @transaction.atomic
    def _written(
        self,
        identities: Sequence[Identity],
        write: Callable[[], Awaitable[Written]],
        customer_of: Callable[[Written], UUID],
    ) -> tuple[Written, dict[str, str]]:
        # First, before any row is locked.
        lock_identities(identities)
        _, _, value = identities[0]
        written = run_blocking(write())
        try:
            link_session(self.workspace_id, customer_of(written), value=value, by=self.by)
        except Conflict:
            return written, {"Warning": SESSION_NOT_LINKED}
        return written, {}

    def _identities(self, value: str, body: Mapping[str, Any]) -> list[Identity]:
        """Return the session, and the external id that the write would lock after it."""
        identities = [(self.node_id, SESSION_ID, value)]
        external_id = body.get("externalId")
        if isinstance(external_id, str):
            identities.append((self.node_id, EXTERNAL_ID, canonical_identifier(external_id)))
        return identities
