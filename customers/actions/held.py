"""The data of one person: the profile, the numbers of rows, the latest elements of each list."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import Any, NamedTuple

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.date_format import Positions
from customers.actions.data_protection import exported_lists
from customers.actions.restriction import is_restricted
from customers.models.customer_row import CustomerRow
from customers.queries.documents import exported_customer
from customers.queries.erasure import deleted_at, held_by, people_of


class Held(NamedTuple):
    """A document, and the positions of timestamps in its lists' elements."""

    document: dict[str, Any]
    moments: dict[str, Positions]


def held_customer(workspace: WorkspaceRules, row: CustomerRow, *, most: int) -> Held:
    """Return the data of a customer, deleted or not, with at most `most` elements of a list."""
    (person,) = people_of(workspace, [row])
    held = held_by(workspace.id, person)
    lists, moments = {}, {}
    for each in exported_lists(workspace, row):
        lists[each.name], moments[each.name] = list(islice(each.elements, most)), each.moments
    gone = deleted_at(row)
    document = {
        "customer": exported_customer(row),
        "deletedAt": gone,
        "erasedFrom": gone and gone + timedelta(days=workspace.deleted_days),
        "isRestricted": is_restricted(row.consents),
        "tables": {name: count for name, count in sorted(held.tables.items()) if count},
        "files": {name: count for name, count in sorted(held.files.items()) if count},
        "lists": lists,
    }
    return Held(document, moments)
