"""Uses of properties in a workspace's configuration, so that no property in use is taken away.

An app that stores conditions or lists of properties registers a function in `AppConfig.ready`. To
add a use, lock the workspace (`configuration.actions.changing`), then check that the property is
known; to take a property away, lock it and call `uses_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from configuration.domain.condition_parser import condition_attributes
from configuration.models import Node, NodeType, Rekeying, SendSource

CUSTOMERS = "customers"


@dataclass(frozen=True, slots=True)
class PropertyUse:
    """A property that a resource names.

    `section` is `customers` or a type of event, `path` the dotted path as queries write it,
    `resource` the kind of the resource, `field` its property that holds the name.
    """

    section: str
    path: str
    resource: str
    id: UUID
    name: str
    field: str

    def depends_on(self, paths: Collection[str]) -> bool:
        """Return whether it names one of the properties or a part of one."""
        return any(self.path == path or self.path.startswith(f"{path}.") for path in paths)

    def described(self) -> dict[str, Any]:
        """Return its description for error answers."""
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
    """Register a function that finds uses in a workspace; called while Django starts."""
    _finders.append(finder)


def uses_of(workspace_id: UUID, paths: Mapping[str, Collection[str]]) -> list[PropertyUse]:
    """Return all uses of these properties, which are given by section, or of their parts."""
    return [
        use
        for find in (uses_in_nodes, uses_in_send_sources, *_finders)
        for use in find(workspace_id)
        if use.depends_on(paths.get(use.section, ()))
    ]


def uses_in_nodes(workspace_id: UUID) -> Iterator[PropertyUse]:
    """Yield uses in matching policies, mandatory properties and exclusion filters."""
    under_way = Rekeying.objects.under_way().in_workspace(workspace_id)
    changes = dict(under_way.values_list("node_id", "change"))
    for node in Node.objects.in_workspace(workspace_id):
        is_entry = node.type == NodeType.ENTRY
        change = changes.get(node.id, {})
        fields = {
            "uniqueCustomer" if is_entry else "matchingProperties": {
                *_paths_of_policy(node.unique_properties, node.matching_rules),
                *_paths_of_policy(
                    change.get("unique_properties", ()), change.get("matching_rules", ())
                ),
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


def _paths_of_policy(properties: Iterable[str], rules: Iterable[Any]) -> set[str]:
    return {*properties, *(each["property"] for rule in rules for each in rule)}


def uses_in_send_sources(workspace_id: UUID) -> Iterator[PropertyUse]:
    """Yield uses in field mappings of send sources."""
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
