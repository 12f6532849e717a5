"""The rules of workspaces: frozen snapshots of the configuration, cached in memory.

The apps above read the configuration here. A snapshot takes three queries to load. When the
machine's shared version has changed, and otherwise once a second, `configuration_version` is
queried, and the snapshot is loaded again if that has changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F

from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.event_schema import EventSchema
from configuration.domain.extended_properties import all_enabled
from configuration.domain.matching_policy import MatchingPolicy, policy_of
from configuration.domain.placeholders import PLACEHOLDERS, placeholders_of
from configuration.models import EventTypeSettings, Node, Suppression, Workspace, WorkspaceStatus
from configuration.models.event_type import DEFAULT_BYTES
from contacthub_project.core.refreshed_cache import RefreshedCache
from contacthub_project.messaging.shared_version import shared_version

RECHECK_SECONDS = 1.0
COLUMNS = (
    "configuration_version", "status", "timezone", "max_requests_per_minute",
    "disabled_base_properties", "customer_extended", "product_extended", "placeholder_values",
    "deleted_days", "suppression", "suppressions_version", "quarantine", "follows_merged_ids",
    "finds_duplicates", "history_days", "country",
)  # fmt: skip
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
    keeps_history: bool = False
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
    country: str | None = None
    max_requests_per_minute: int = 0
    disabled_base_properties: tuple[str, ...] = ()
    customer_extended: Mapping[str, Any] = field(default_factory=dict)
    product_extended: Mapping[str, Any] = field(default_factory=dict)
    # Folded; see `configuration.domain.placeholders`.
    placeholders: frozenset[str] = PLACEHOLDERS
    deleted_days: int = 0
    # Whether writes that name a customer who was merged away reach the survivor.
    follows_merged_ids: bool = True
    # Whether customers that may be one person are looked for.
    finds_duplicates: bool = False
    # Days that replaced values of customers are kept; 0: not at all.
    history_days: int = 0
    suppression: str = Suppression.OFF
    # Whether examples of what is refused are kept.
    quarantine: bool = True
    # Which values are suppressed; 0: none (`customers.queries.suppressions`).
    suppressions_version: int = 0
    nodes: Mapping[UUID, NodeRules] = field(default_factory=dict)
    event_types: Mapping[str, EventTypeRules] = field(default_factory=dict)
    _event_schemas: dict[str, EventSchema] = field(default_factory=dict, compare=False)
    _stored_event_schemas: dict[str, EventSchema] = field(default_factory=dict, compare=False)

    @property
    def keeps_history(self) -> bool:
        """Whether what is replaced in customers is kept."""
        return self.history_days > 0

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


_snapshots: RefreshedCache[UUID, WorkspaceRules] = RefreshedCache(
    seconds=RECHECK_SECONDS, most=MOST_WORKSPACES
)


def rules_of(workspace_id: UUID) -> WorkspaceRules | None:
    """Return the rules of a workspace, at most a second old; None if there is none."""
    version = shared_version.current()
    known = _snapshots.fresh(workspace_id, version)
    if known is not None:
        return known
    return _snapshots.look_up(workspace_id, version, partial(_load, workspace_id))


def latest_rules_of(workspace_id: UUID) -> WorkspaceRules | None:
    """Return the rules as they are in the database now."""
    version = shared_version.current()
    load = partial(_load, workspace_id)
    return _snapshots.look_up(workspace_id, version, load, is_forced=True)


def forget_rules(workspace_id: UUID) -> None:
    """Have rules loaded anew, after a transaction failed that may have changed them."""
    _snapshots.forget(workspace_id)


def configuration_changed(workspace_id: UUID) -> None:
    """Invalidate snapshots; call in the transaction of every change of `WorkspaceRules`."""
    Workspace.objects.filter(id=workspace_id).update(
        configuration_version=F("configuration_version") + 1
    )
    transaction.on_commit(shared_version.advance)


def suppressions_changed(workspace_id: UUID) -> None:
    """Tell of suppressed values, in the transaction that changes which there are.

    No change of the configuration: its version, which clients hold as ETag, stays.
    """
    Workspace.objects.filter(id=workspace_id).update(
        suppressions_version=F("suppressions_version") + 1
    )
    transaction.on_commit(shared_version.advance)


def _load(workspace_id: UUID, known: WorkspaceRules | None) -> WorkspaceRules | None:
    row = Workspace.objects.present().filter(id=workspace_id).values(*COLUMNS).first()
    if row is None:
        return None
    if known is not None and known.version == row["configuration_version"]:
        if known.suppressions_version == row["suppressions_version"]:
            return known
        # A copy that keeps what has been compiled.
        changed = copy(known)
        changed.__dict__["suppressions_version"] = row["suppressions_version"]
        return changed
    nodes = Node.objects.in_workspace(workspace_id)
    placeholders = placeholders_of(row["placeholder_values"])
    return WorkspaceRules(
        id=workspace_id,
        version=row["configuration_version"],
        status=row["status"],
        timezone=row["timezone"],
        country=row["country"],
        max_requests_per_minute=row["max_requests_per_minute"],
        disabled_base_properties=tuple(row["disabled_base_properties"]),
        customer_extended=row["customer_extended"],
        product_extended=row["product_extended"],
        placeholders=placeholders,
        deleted_days=row["deleted_days"],
        follows_merged_ids=row["follows_merged_ids"],
        finds_duplicates=row["finds_duplicates"],
        history_days=row["history_days"],
        suppression=row["suppression"],
        quarantine=row["quarantine"],
        suppressions_version=row["suppressions_version"],
        nodes={
            node.id: _node_rules(node, placeholders, keeps_history=row["history_days"] > 0)
            for node in nodes
        },
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


def _node_rules(node: Node, placeholders: frozenset[str], *, keeps_history: bool) -> NodeRules:
    return NodeRules(
        id=node.id,
        type=node.type,
        state=node.state,
        matching=policy_of(
            node.unique_properties, node.case_sensitive, node.matching_rules, placeholders
        ),
        mandatory_properties=tuple(node.mandatory_properties),
        is_aggregated=node.is_aggregated,
        source_priority=tuple(node.source_priority),
        entry_nodes=frozenset(node.entry_nodes),
        exclusion_filters=node.exclusion_filters,
        keeps_history=keeps_history,
    )
