"""Where a workspace's configuration uses properties, so that none in use is taken away.

An app above that keeps conditions or lists of properties registers a function of its own in its
`AppConfig.ready`. Whoever adds a use locks the workspace (`configuration.actions.changing`), then
checks that the property is known; whoever takes a property away locks it and asks here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from configuration.domain.conditions import condition_attributes
from configuration.models import Node, NodeType, Rekeying, SendSource

CUSTOMERS = "customers"


@dataclass(frozen=True, slots=True)
class PropertyUse:
    """A property named by a resource.

    `section` is `customers` or a type of event, `path` the property's dotted path as queries write
    it, `resource` a word for the kind of resource, `field` its property that names ours.
    """

    section: str
    path: str
    resource: str
    id: UUID
    name: str
    field: str

    def depends_on(self, paths: Collection[str]) -> bool:
        """Whether it is about one of the properties, or about a part of one."""
        return any(self.path == path or self.path.startswith(f"{path}.") for path in paths)

    def described(self) -> dict[str, Any]:
        """As error answers tell it."""
        return {
            "property": self.path,
            "resource": self.resource,
            "id": str(self.id),
            "name": self.name,
            "field": self.field,
        }

    def __str__(self) -> str:
        return f"{self.field} of the {self.resource} {self.name}"


FindUses = Callable[[UUID], Iterable[PropertyUse]]
_finders: list[FindUses] = []


def register(finder: FindUses) -> None:
    """Make known who finds uses in a workspace; called once per process while Django starts."""
    _finders.append(finder)


def uses_of(workspace_id: UUID, paths: Mapping[str, Collection[str]]) -> list[PropertyUse]:
    """What uses one of these properties, by their section, or a part of one, in every app."""
    return [
        use
        for find in (uses_in_nodes, uses_in_send_sources, *_finders)
        for use in find(workspace_id)
        if use.depends_on(paths.get(use.section, ()))
    ]


def uses_in_nodes(workspace_id: UUID) -> Iterator[PropertyUse]:
    """What nodes recognise, demand and leave out customers by."""
    under_way = Rekeying.objects.under_way().in_workspace(workspace_id)
    changes = dict(under_way.values_list("node_id", "change"))
    for node in Node.objects.in_workspace(workspace_id):
        is_entry = node.type == NodeType.ENTRY
        change = changes.get(node.id, {})
        fields = {
            "uniqueCustomer" if is_entry else "matchingProperties": {
                *node.unique_properties,
                *change.get("unique_properties", ()),
            },
            "mandatoryProperties": {
                *node.mandatory_properties,
                *change.get("mandatory_properties", ()),
            },
            "exclusionFilters": {
                attribute
                for condition in node.exclusion_filters
                for attribute in condition_attributes(condition)
            },
        }
        resource = "entry node" if is_entry else "aggregate node"
        for field, paths in fields.items():
            for path in sorted(paths):
                yield PropertyUse(CUSTOMERS, path, resource, node.id, node.name, field)


def uses_in_send_sources(workspace_id: UUID) -> Iterator[PropertyUse]:
    """What fills the user databases of Contactsend."""
    for send in SendSource.objects.filter(source__workspace_id=workspace_id).select_related(
        "source"
    ):
        source = send.source
        for mapping in source.properties.get("fieldMappings") or ():
            path = mapping["hubProperty"]
            yield PropertyUse(
                CUSTOMERS, path, "source", source.id, source.name, "properties.fieldMappings"
            )
        if source.properties.get("subscriptionMappings"):
            field = "properties.subscriptionMappings"
            yield PropertyUse(
                CUSTOMERS, "base.subscriptions", "source", source.id, source.name, field
            )
