"""Nodes, which hold customers. Aggregate nodes combine the customers of entry nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from configuration.domain.matching_policy import MatchingPolicy, policy_of
from configuration.models.workspace import Workspace
from contacthub_project.core.identifiers import new_id
from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.querysets import TenantQuerySet

if TYPE_CHECKING:
    from uuid import UUID

    from contacthub_project.core.principal import Principal

DEFAULT_UNIQUE_PROPERTIES = ("base.contacts.email",)


def default_unique_properties() -> list[str]:
    return list(DEFAULT_UNIQUE_PROPERTIES)


class NodeType(models.TextChoices):
    ENTRY = "ENTRY"
    AGGREGATE = "AGGREGATE"


class NodeState(models.TextChoices):
    """States of nodes. LOCKED: a task rebuilds or empties it, its customers cannot be written."""

    NEW = "NEW"
    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"
    REMOVED = "REMOVED"


class NodeQuerySet(TenantQuerySet["Node"]):
    node_field = "id"

    def in_workspace(self, workspace_id: UUID) -> NodeQuerySet:
        """Return the nodes of a workspace that are not being deleted."""
        return super().in_workspace(workspace_id).filter(removed_at=None)

    def entries(self) -> NodeQuerySet:
        return self.filter(type=NodeType.ENTRY)

    def aggregates(self) -> NodeQuerySet:
        return self.filter(type=NodeType.AGGREGATE)

    def being_emptied(self) -> NodeQuerySet:
        """Return the nodes that a task has to empty."""
        return self.filter(removed_at=None).exclude(emptying=None)

    def removed(self) -> NodeQuerySet:
        """Return the deleted nodes whose data is not removed yet."""
        return self.exclude(removed_at=None)

    def reached_by(self, principal: Principal) -> NodeQuerySet:
        """Return the nodes that the principal may read or write."""
        if principal.nodes is None:
            return self
        return self.filter(id__in=principal.nodes)


class Node(TenantModel):
    """A node; `unique_properties` are the paths whose values together identify a customer."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="nodes")
    type = models.CharField(max_length=16, choices=NodeType.choices, default=NodeType.ENTRY)
    state = models.CharField(max_length=16, choices=NodeState.choices, default=NodeState.ACTIVE)
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=1000, null=True, blank=True)
    image_url = models.CharField(max_length=1000, null=True, blank=True)
    unique_properties = ArrayField(
        models.CharField(max_length=255), default=default_unique_properties
    )
    case_sensitive = models.BooleanField(default=False)
    # The rules of its matching policy, each a list of properties with their normalizers. Empty:
    # one, which the two columns above are. Otherwise these say of the first what they can.
    matching_rules = models.JSONField(default=list, blank=True)
    source_priority = ArrayField(models.UUIDField(), default=list, blank=True)
    mandatory_properties = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    retention_enabled = models.BooleanField(default=True)
    retention_months = models.JSONField(default=dict, blank=True)
    # Of aggregate nodes: their entry nodes, and filters of excluded customers.
    entry_nodes = ArrayField(models.UUIDField(), default=list, blank=True)
    exclusion_filters = models.JSONField(default=list, blank=True)
    # Of entry nodes: whether an aggregate node follows its customers.
    is_aggregated = models.BooleanField(default=False)
    # Set while a task empties the node: ALL, or EVENTS only.
    emptying = models.CharField(max_length=8, null=True, blank=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=now, editable=False)
    # Set when it is deleted; a task then removes the data in batches, and the row last.
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = NodeQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            # What customers refer to, so that a customer's node is of the customer's workspace.
            TenantPrimaryKey(name="node_key"),
            models.CheckConstraint(condition=Q(type__in=NodeType.values), name="node_type_known"),
            models.CheckConstraint(
                condition=Q(state__in=NodeState.values), name="node_state_known"
            ),
            models.CheckConstraint(
                condition=Q(unique_properties__len__gte=1), name="node_has_unique_properties"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="node_named"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def matching(self) -> MatchingPolicy:
        """The matching policy, without placeholders of the workspace."""
        return policy_of(self.unique_properties, self.case_sensitive, self.matching_rules)
