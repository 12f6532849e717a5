"""The rules of workspaces: frozen snapshots of the configuration, cached in memory.

The apps above read the configuration here. A snapshot takes three queries to load. When the
machine's shared version has changed, and otherwise once a second, `configuration_version` is
queried, and the snapshot is loaded again if that has changed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cachetools import LRUCache
from django.db import transaction
from django.db.models import F

from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.event_schema import EventSchema
from configuration.domain.extended_properties import all_enabled
from configuration.domain.matching_policy import MatchingPolicy
from configuration.domain.placeholders import PLACEHOLDERS, placeholders_of
from configuration.models import EventTypeSettings, Node, Workspace, WorkspaceStatus
from configuration.models.event_type import DEFAULT_BYTES
from contacthub_project.messaging.shared_version import shared_version

RECHECK_SECONDS = 1.0
MOST_WORKSPACES = 1000


@dataclass(frozen=True, slots=True)
class NodeRules:
    """The rules for writing to a node."""

    id: UUID
    type: str
    state: str
    matching: MatchingPolicy
    mandatory_properties: tuple[str, ...]
    is_aggregated: bool = False
    source_priority: tuple[UUID, ...] = ()
    entry_nodes: frozenset[UUID] = frozenset()
    exclusion_filters: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class EventTypeRules:
    """The rules of a type of event; a customer must have given all `consents` (paths)."""

    is_enabled: bool = True
    max_bytes: int = DEFAULT_BYTES
    consents: tuple[str, ...] = ()
    updates_products: bool = False
    extended: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class WorkspaceRules:
    """The rules of a workspace; `version` grows with every change."""

    id: UUID
    version: int
    status: str
    timezone: str
    max_requests_per_minute: int = 0
    disabled_base_properties: tuple[str, ...] = ()
    customer_extended: Mapping[str, Any] = field(default_factory=dict)
    product_extended: Mapping[str, Any] = field(default_factory=dict)
    # Folded; see `configuration.domain.placeholders`.
    placeholders: frozenset[str] = PLACEHOLDERS
    nodes: Mapping[UUID, NodeRules] = field(default_factory=dict)
    event_types: Mapping[str, EventTypeRules] = field(default_factory=dict)
    _event_schemas: dict[str, EventSchema] = field(default_factory=dict, compare=False)
    _stored_event_schemas: dict[str, EventSchema] = field(default_factory=dict, compare=False)

    @property
    def is_disabled(self) -> bool:
        return self.status == WorkspaceStatus.DISABLED

    @property
    def is_read_only(self) -> bool:
        return self.status == WorkspaceStatus.SUSPENDED

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone of the workspace's days and hours."""
        return ZoneInfo(self.timezone)

    @cached_property
    def customer_schema(self) -> CustomerSchema:
        """The schema of its customers; compiled at first use."""
        return CustomerSchema(self.disabled_base_properties, self.customer_extended)

    def event_schema(self, event_type: str) -> EventSchema:
        """Return the schema of a type of event; compiled at first use."""
        schema = self._event_schemas.get(event_type)
        if schema is None:
            extended = self.event_types[event_type].extended
            schema = EventSchema(event_type, extended, self.product_extended)
            self._event_schemas[event_type] = schema
        return schema

    @cached_property
    def stored_customer_schema(self) -> CustomerSchema:
        """The schema of stored customers, which includes disabled properties."""
        return CustomerSchema((), all_enabled(self.customer_extended))

    def stored_event_schema(self, event_type: str) -> EventSchema:
        """Return the schema of stored events, which includes disabled properties."""
        schema = self._stored_event_schemas.get(event_type)
        if schema is None:
            extended = all_enabled(self.event_types[event_type].extended)
            schema = EventSchema(event_type, extended, all_enabled(self.product_extended))
            self._stored_event_schemas[event_type] = schema
        return schema


class _Snapshots:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: LRUCache[UUID, tuple[WorkspaceRules, float, int]] = LRUCache(MOST_WORKSPACES)

    def get(
        self, workspace_id: UUID, *, at_most_old: float = RECHECK_SECONDS
    ) -> WorkspaceRules | None:
        now = time.monotonic()
        current = shared_version.current()
        with self._lock:
            known, checked, seen = self._known.get(workspace_id, (None, 0.0, -1))
        if known is not None and seen == current and now - checked < at_most_old:
            return known
        rules = _load(workspace_id, known)
        with self._lock:
            if rules is None:
                self._known.pop(workspace_id, None)
            else:
                self._known[workspace_id] = (rules, now, current)
        return rules


_snapshots = _Snapshots()


def rules_of(workspace_id: UUID) -> WorkspaceRules | None:
    """Return the rules of a workspace, at most a second old; None if there is none."""
    return _snapshots.get(workspace_id)


def latest_rules_of(workspace_id: UUID) -> WorkspaceRules | None:
    """Return the rules as they are in the database now."""
    return _snapshots.get(workspace_id, at_most_old=0.0)


def configuration_changed(workspace_id: UUID) -> None:
    """Invalidate snapshots; call in the transaction of every change of `WorkspaceRules`."""
    Workspace.objects.filter(id=workspace_id).update(
        configuration_version=F("configuration_version") + 1
    )
    transaction.on_commit(shared_version.advance)


def _load(workspace_id: UUID, known: WorkspaceRules | None) -> WorkspaceRules | None:
    row = (
        Workspace.objects.present()
        .filter(id=workspace_id)
        .values(
            "configuration_version",
            "status",
            "timezone",
            "max_requests_per_minute",
            "disabled_base_properties",
            "customer_extended",
            "product_extended",
            "placeholder_values",
        )
        .first()
    )
    if row is None:
        return None
    if known is not None and known.version == row["configuration_version"]:
        return known
    nodes = Node.objects.in_workspace(workspace_id)
    placeholders = placeholders_of(row["placeholder_values"])
    return WorkspaceRules(
        id=workspace_id,
        version=row["configuration_version"],
        status=row["status"],
        timezone=row["timezone"],
        max_requests_per_minute=row["max_requests_per_minute"],
        disabled_base_properties=tuple(row["disabled_base_properties"]),
        customer_extended=row["customer_extended"],
        product_extended=row["product_extended"],
        placeholders=placeholders,
        nodes={node.id: _node_rules(node, placeholders) for node in nodes},
        event_types={
            name: _event_type_rules(settings)
            for name, settings in EventTypeSettings.objects.by_type(workspace_id).items()
        },
    )


def _event_type_rules(settings: EventTypeSettings) -> EventTypeRules:
    return EventTypeRules(
        is_enabled=settings.enabled,
        max_bytes=settings.max_bytes,
        consents=tuple(path.removeprefix("consents.") for path in settings.consents),
        updates_products=settings.does_update_products,
        extended=settings.extended,
    )


def _node_rules(node: Node, placeholders: frozenset[str]) -> NodeRules:
    return NodeRules(
        id=node.id,
        type=node.type,
        state=node.state,
        matching=MatchingPolicy(tuple(node.unique_properties), node.case_sensitive, placeholders),
        mandatory_properties=tuple(node.mandatory_properties),
        is_aggregated=node.is_aggregated,
        source_priority=tuple(node.source_priority),
        entry_nodes=frozenset(node.entry_nodes),
        exclusion_filters=node.exclusion_filters,
    )
