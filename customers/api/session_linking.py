"""The parameter `sessionId` of customers' writes: links a visitor's session to the customer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter

from configuration.domain.placeholders import identifier_faults
from configuration.queries.rules import WorkspaceRules
from contacthub_project.api.parameters import text_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.core.errors import Conflict
from contacthub_project.core.principal import Principal
from customers.actions.identity_locks import lock_identities
from customers.actions.sessions import claim_session
from customers.domain.identities import SESSION_ID
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
# RFC 7234, section 5.5: code 199 is for a human to read.
SESSION_NOT_LINKED = '199 - "The session belongs to another customer and was not linked"'

# Takes the workspace's and the customer's ids; gives the headers that tell what became of it.
LinkSession = Callable[[UUID, UUID], dict[str, str]]


@contextmanager
def linking_session(
    request: HttpRequest, workspace: WorkspaceRules, node_id: UUID, by: Principal
) -> Iterator[LinkSession]:
    """Links the session that `sessionId` names to the customer, in the transaction of its write.

    The session is locked from the start, before any row. A session that another customer has stays
    theirs: the write is kept, and a header says so.

    Without the parameter there is no transaction of ours, and nothing to link. Raises Invalid for
    a value that no session can have.
    """
    parameters = QueryParameters(request)
    value = parameters.text("sessionId", longest=LONGEST_VALUE)
    for fault in identifier_faults(value, workspace.placeholders, at="/sessionId"):
        parameters.fault("sessionId", fault.message)
    parameters.raise_faults()
    if value is None:
        yield lambda workspace_id, customer_id: {}
        return
    session = value
    with transaction.atomic():
        lock_identities([(node_id, SESSION_ID, session)])
        yield lambda workspace_id, customer_id: _claim(workspace_id, customer_id, session, by)


def _claim(workspace_id: UUID, customer_id: UUID, value: str, by: Principal) -> dict[str, str]:
    try:
        claim_session(workspace_id, customer_id, value=value, by=by)
    except Conflict:
        return {"Warning": SESSION_NOT_LINKED}
    return {}
