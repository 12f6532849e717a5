"""The customers of a set of bodies, in memory: found by their matching keys, then changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import orjson

from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import fetch_all
from customers.actions.customer_write import CustomerWrite
from customers.domain.matching import all_keys, further_keys
from customers.domain.merge import (
    Document,
    unchanged,
)
from customers.models import ChangeCause
from customers.models.customer_row import ROW_AS_JSON, CustomerRow
from customers.queries.documents import document_of

SAME_PEOPLE = f"""
SELECT match_key, {ROW_AS_JSON} FROM customers_customer
WHERE node_id = %s AND workspace_id = %s AND deleted = 0
  AND (match_key = ANY (%s::bytea[]) OR id = ANY (%s::uuid[]))
ORDER BY id FOR NO KEY UPDATE
"""
HEIRS = """
SELECT match_key, current_id FROM customers_formeridentity
WHERE node_id = %s AND match_key = ANY (%s::bytea[]) AND workspace_id = %s
"""
CLAIMS = """
SELECT DISTINCT ON (key) key, customer_id FROM customers_matchingkey
WHERE node_id = %s AND key = ANY (%s::bytea[]) AND workspace_id = %s
ORDER BY key, holds DESC, claimed_at, customer_id
"""


Keys = Mapping[int, bytes]  # by the number of the rule


@dataclass(slots=True)
class Person:
    """A customer in memory: its stored state, if any, and its new state."""

    id: UUID
    row: CustomerRow | None
    after: Document
    keys: dict[int, bytes]

    def write(self, node: NodeRules, by: Principal) -> CustomerWrite:
        """Return the write of the new state."""
        if self.row is None:
            key = self.keys.get(0)
            new = CustomerWrite.of_new(node, self.after, by, customer_id=self.id, key=key)
            return replace(new, may_share=True)
        change = CustomerWrite.of_change(node, self.row, self.after, by, cause=ChangeCause.IMPORT)
        return replace(change, appears=None, may_share=True)

    def new_external_id(self) -> str | None:
        """Return the external id that it has not had before."""
        external_id = self.after["externalId"]
        known = None if self.row is None else self.row.external_id
        return None if external_id == known else external_id


class People:
    """The known and new customers of a set of bodies, by their matching keys.

    They follow the changes of the set; `released` are keys that a customer no longer has.
    """

    def __init__(
        self, workspace: WorkspaceRules, node: NodeRules, keys_of_bodies: Iterable[Keys]
    ) -> None:
        self._matching = node.matching
        self._by_key: dict[bytes, Person] = {}
        self._new: list[Person] = []
        self._known: list[Person] = []
        self.released: set[bytes] = set()
        requested = {key for own in keys_of_bodies for key in own.values()}
        keys = sorted(requested)
        owners = _owners(workspace, node, keys)
        by_id: dict[UUID, Person] = {}
        parameters = [node.id, workspace.id, keys, list(owners.values())]
        for key, text in fetch_all(SAME_PEOPLE, parameters, prepare=False):
            row = CustomerRow(*orjson.loads(text))
            document = document_of(row)
            own = bytes(key or b"")  # an heir may lack a value of the node's present policy
            own_keys = {0: own} if own else {}
            if self._matching.has_several_rules:
                own_keys |= further_keys(self._matching, document)
            by_id[UUID(row.id)] = person = Person(UUID(row.id), row, document, own_keys)
            self._known.append(person)
            if own in requested:
                self._by_key[own] = person
        for former, customer_id in owners.items():
            if customer_id in by_id:
                self._by_key.setdefault(former, by_id[customer_id])

    def recognised(self, keys: Keys) -> Person | None:
        """Return the customer of a body: by the first rule that knows one.

        Unless an earlier one tells the two apart.
        """
        for number, key in keys.items():
            person = self._by_key.get(key)
            if person is not None and all(
                person.keys.get(earlier, other) == other
                for earlier, other in keys.items()
                if earlier < number
            ):
                return person
        return None

    def add(self, person: Person) -> None:
        """Add a new customer."""
        self._new.append(person)
        for key in person.keys.values():
            self._by_key.setdefault(key, person)

    def update_keys(self, person: Person) -> None:
        """Update the keys of a changed customer; by one rule it cannot change its key."""
        if not self._matching.has_several_rules:
            return
        before, person.keys = person.keys, all_keys(self._matching, person.after)
        for key in set(before.values()) - set(person.keys.values()):
            if self._by_key.get(key) is person:
                del self._by_key[key]
                self.released.add(key)
        for key in person.keys.values():
            self._by_key.setdefault(key, person)

    def changed(self) -> list[Person]:
        """Return the customers that are to be written."""
        changed = [
            person
            for person in self._known
            if person.row is not None and not unchanged(document_of(person.row), person.after)
        ]
        return changed + self._new


def _owners(workspace: WorkspaceRules, node: NodeRules, keys: Sequence[bytes]) -> dict[bytes, UUID]:
    """Return the customers that have keys by a merge or by a rule after the first."""
    parameters = [node.id, keys, workspace.id]
    found = fetch_all(HEIRS, parameters, prepare=False)
    if node.matching.has_several_rules:
        found = [*found, *fetch_all(CLAIMS, parameters, prepare=False)]
    return {bytes(key): customer_id for key, customer_id in found}
