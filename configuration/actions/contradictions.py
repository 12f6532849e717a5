"""Refuse configuration changes that stored customers contradict, unless they are forced.

Such a change breaks nothing, as a write is not refused for values that it does not touch. The
client has to confirm it by `force=true`.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from configuration.domain.customer_schema import CustomerSchema
from contacthub_project.core.errors import Conflict, FieldError
from contacthub_project.db.tenant_data import Contradictions, all_owners

MOST_COUNTED = 1000
HOW_TO_FORCE = "force=true makes the change all the same"


def check_nobody_lacks(
    workspace_id: UUID, node_id: UUID, schema: CustomerSchema, places: Mapping[str, str]
) -> None:
    """Raise Conflict if customers of the node lack a property that it will require.

    `places` maps paths of properties to pointers into the request.
    """
    for owner in all_owners() if places else ():
        found = owner.customers_lacking(
            workspace_id=workspace_id,
            node_id=node_id,
            schema=schema,
            paths=list(places),
            most=MOST_COUNTED,
        )
        _raise_for(found, places, "without a value")


def check_nobody_contradicts(
    workspace_id: UUID, schema: CustomerSchema, places: Mapping[str, str]
) -> None:
    """Raise Conflict if customers of the workspace have values that the new schema refuses.

    `places` maps paths of properties to pointers into the request.
    """
    for owner in all_owners() if places else ():
        found = owner.customers_against(
            workspace_id=workspace_id, schema=schema, paths=list(places), most=MOST_COUNTED
        )
        _raise_for(found, places, "with a value that is refused")


def _raise_for(found: Contradictions, places: Mapping[str, str], how: str) -> None:
    if not found.customers:
        return
    faults = [
        FieldError(places[path], f"{_number(count)} {how}", "contradicted", {"customers": count})
        for path, count in sorted(found.by_path.items())
    ]
    raise Conflict(
        f"The change contradicts {_number(found.customers)}; {HOW_TO_FORCE}",
        errors=faults,
        data={"customers": found.customers, "isBounded": found.customers == MOST_COUNTED},
    )


def _number(count: int) -> str:
    if count == MOST_COUNTED:
        return f"{count} customers or more"
    return "1 customer" if count == 1 else f"{count} customers"
