"""Links sessions to customers."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from configuration.domain.placeholders import identifier_faults
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import Conflict, Invalid, NotFound
from contacthub_project.core.principal import Principal
from contacthub_project.db.deadlocks import repeated_on_deadlock
from customers.actions.browser_access import check_access
from customers.actions.identity_locks import lock_identities, notify_identities_appeared
from customers.domain.identities import SESSION_ID
from customers.models import Customer, Session


@transaction.atomic
def link_session(workspace_id: UUID, customer_id: UUID, *, value: str, by: Principal) -> Session:
    """Return the customer's session with this value, created if there is none (idempotent).

    Raises NotFound for a deleted customer, Conflict when the session is another customer's: a
    session never moves.
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
    sessions = Session.objects.filter(workspace_id=workspace_id, node_id=node_id)
    session = sessions.filter(value=value).first()
    if session is None or session.customer_id != customer_id:
        raise Conflict("The session belongs to another customer")
    notify_identities_appeared(workspace_id, node_id, [(customer_id, SESSION_ID, value)])
    return session


@repeated_on_deadlock
@transaction.atomic
def add_session(
    workspace: WorkspaceRules, customer_id: UUID, *, value: str, by: Principal
) -> Session:
    """Do the same as `link_session` in a transaction of its own.

    Raises Invalid for a placeholder, Forbidden for a customer that `by` has no access to.
    """
    faults = identifier_faults(value, workspace.placeholders, at="/value")
    if faults:
        raise Invalid(errors=faults)
    known = Customer.objects.live_row(workspace.id, customer_id)
    if known is None:
        raise NotFound(f"customer not found {customer_id}")
    check_access(workspace, known, by, named_by={})
    return link_session(workspace.id, customer_id, value=value, by=by)


def unlink_session(workspace_id: UUID, customer_id: UUID, session_id: UUID) -> None:
    """Delete a session; events attached by it stay the customer's. Raises NotFound."""
    deleted, _ = (
        Session.objects.of_customer(workspace_id, customer_id).filter(id=session_id).delete()
    )
    if not deleted:
        raise NotFound(f"session not found {session_id}")
