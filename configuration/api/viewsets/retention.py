"""The retention of events, of a workspace and of a node."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.utils import extend_schema

from configuration.actions.configuration import set_for_event_types
from configuration.actions.retention import set_node_retention
from configuration.api.serializers.retention import (
    NodeRetention,
    NodeRetentionInput,
    RetentionByEventType,
    RetentionEnabled,
    RetentionEnabledInput,
    RetentionStatusByEventType,
)
from configuration.api.viewsets.base import ConfigurationViewSet
from configuration.domain.retention import cutoffs, effective_months
from configuration.models import EventTypeSettings, Node
from contacthub_project.api.renderers import JsonResponse


class RetentionPolicyViewSet(ConfigurationViewSet):
    """The retention of a workspace's events, by type."""

    @extend_schema(responses={200: RetentionByEventType})
    def retrieve(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return self.answer(RetentionByEventType(_by_type(self._months())).data)

    @extend_schema(request=RetentionByEventType, responses={200: RetentionByEventType})
    def update(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        set_for_event_types(
            self.workspace.id,
            field="retention_months",
            values=_months(RetentionByEventType.read(self.body())),
            otherwise=None,
            expected_version=self.expected,
        )
        return self.retrieve(request, workspace_id)

    @extend_schema(responses={200: RetentionStatusByEventType})
    def status(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return the moments before which events are purged now, by type."""
        months = self._months()
        before = cutoffs(months, timezone.now())
        status = {
            name: {"months": kept, "deletedBefore": before.get(name)}
            for name, kept in months.items()
        }
        return self.answer(RetentionStatusByEventType(status).data)

    def _months(self) -> dict[str, int]:
        return effective_months(EventTypeSettings.objects.retention_months(self.workspace.id))


class NodeRetentionPolicyViewSet(ConfigurationViewSet):
    """The retention of events of a node of either kind, by type, and the switch of its purge."""

    @extend_schema(responses={200: NodeRetention})
    def retrieve(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        return self.answer(self._described(self.any_node(node_id)))

    @extend_schema(request=NodeRetentionInput, responses={200: NodeRetention})
    def update(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.any_node(node_id)
        values = NodeRetentionInput.read(self.body())
        node = set_node_retention(
            self.workspace.id,
            node,
            months=_months(values["events"]) if "events" in values else None,
            enabled=values.get("enabled"),
            expected_version=self.expected,
        )
        return self.answer(self._described(node))

    def by_type(self, node: Node) -> dict[str, Any]:
        """Return the months of each type: the node's own, else the workspace's."""
        of_workspace = EventTypeSettings.objects.retention_months(self.workspace.id)
        return _by_type(effective_months(of_workspace, node.retention_months))

    def _described(self, node: Node) -> dict[str, Any]:
        retention = {"enabled": node.retention_enabled, "events": self.by_type(node)}
        described: dict[str, Any] = NodeRetention(retention).data
        return described


class EntryNodeRetentionPolicyViewSet(NodeRetentionPolicyViewSet):
    """The same of an entry node, with separate months and switch."""

    @extend_schema(responses={200: RetentionByEventType})
    def retrieve(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        return self._answer_months(self.entry_node(node_id))

    @extend_schema(request=RetentionByEventType, responses={200: RetentionByEventType})
    def update(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = set_node_retention(
            self.workspace.id,
            self.entry_node(node_id),
            months=_months(RetentionByEventType.read(self.body())),
            expected_version=self.expected,
        )
        return self._answer_months(node)

    @extend_schema(responses={200: RetentionEnabled})
    def enabled(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.entry_node(node_id)
        return self.answer(RetentionEnabled({"enabled": node.retention_enabled}).data)

    @extend_schema(request=RetentionEnabledInput, responses={200: RetentionEnabled})
    def set_enabled(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.entry_node(node_id)
        enabled = RetentionEnabledInput.read(self.body())["enabled"]
        set_node_retention(self.workspace.id, node, enabled=enabled, expected_version=self.expected)
        return self.answer(RetentionEnabled({"enabled": enabled}).data)

    def _answer_months(self, node: Node) -> JsonResponse:
        return self.answer(RetentionByEventType(self.by_type(node)).data)


def _by_type(months: dict[str, int]) -> dict[str, dict[str, int]]:
    return {name: {"months": kept} for name, kept in months.items()}


def _months(by_type: dict[str, dict[str, int]]) -> dict[str, int]:
    return {name: kept["months"] for name, kept in by_type.items()}
