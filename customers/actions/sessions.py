"""Linking sessions to customers."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from configuration.domain.placeholders import identifier_faults
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import Conflict, Invalid, NotFound
from contacthub_project.core.principal import Principal
from customers.actions.browser_access import check_reach
from customers.actions.identity_locks import lock_identities, notify_identities_appeared
from customers.domain.identities import SESSION_ID
from customers.models import Customer, Session


@transaction.atomic
def claim_session(workspace_id: UUID, customer_id: UUID, *, value: str, by: Principal) -> Session:
    """The customer's session with this value, made if there is none: claiming twice is harmless.

    Raises NotFound for a customer that is gone, Conflict when the session is another customer's:
    a session never moves.
    """
    known = Customer.objects.in_workspace(workspace_id).live().filter(id=customer_id)
    node_id = known.values_list("node_id", flat=True).first()
    if node_id is None:
        raise NotFound(f"customer not found {customer_id}")
    lock_identities([(node_id, SESSION_ID, value)])
    if Customer.objects.lock_live_row(workspace_id, customer_id) is None:
        raise NotFound(f"customer not found {customer_id}")
    Session.objects.bulk_create(
        [
            Session(
                workspace_id=workspace_id,
                node_id=node_id,
                customer_id=customer_id,
                value=value,
                registered_by=by.author,
            )
        ],
        ignore_conflicts=True,
    )
    session = Session.objects.filter(node_id=node_id, value=value).first()
    if session is None or session.customer_id != customer_id:
        raise Conflict("The session belongs to another customer")
    notify_identities_appeared(workspace_id, node_id, [(customer_id, SESSION_ID, value)])
    return session


@transaction.atomic
def add_session(
    workspace: WorkspaceRules, customer_id: UUID, *, value: str, by: Principal
) -> Session:
    """As `claim_session`, by itself.

    Raises Invalid for a value that identifies nobody, Forbidden for a customer that `by` does not
    reach.
    """
    faults = identifier_faults(value, workspace.placeholders, at="/value")
    if faults:
        raise Invalid(errors=faults)
    known = Customer.objects.live_row(workspace.id, customer_id)
    if known is None:
        raise NotFound(f"customer not found {customer_id}")
    check_reach(workspace, known, by, named_by={})
    return claim_session(workspace.id, customer_id, value=value, by=by)


def drop_session(workspace_id: UUID, customer_id: UUID, session_id: UUID) -> None:
    """Forget a session; what was found by it stays the customer's. Raises NotFound."""
    deleted, _ = (
        Session.objects.of_customer(workspace_id, customer_id).filter(id=session_id).delete()
    )
    if not deleted:
        raise NotFound(f"session not found {session_id}")
