from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.utils import extend_schema

from configuration.actions.configuration import set_for_event_types
from configuration.actions.retention import set_node_retention
from configuration.api.schema import NODE_RETENTION, RETENTION_BY_TYPE, RETENTION_STATUS
from configuration.api.serializers.configuration import (
    Months,
    NodeRetentionInput,
    RetentionEnabled,
    RetentionEnabledInput,
)
from configuration.api.views.configuration import ConfigurationView
from configuration.api.views.events import read_by_type
from configuration.domain.retention import cutoffs, effective_months
from configuration.models import EventTypeSettings, Node
from contacthub_project.api.renderers import JsonResponse


class RetentionView(ConfigurationView):
    """Operations on how long events are kept, by type."""

    def workspace_months(self) -> dict[str, int]:
        settings = EventTypeSettings.objects.in_workspace(self.workspace.id)
        return {
            each.type: each.retention_months
            for each in settings
            if each.retention_months is not None
        }

    def of_workspace(self) -> dict[str, int]:
        return effective_months(self.workspace_months())

    def of_node(self, node: Node) -> dict[str, Any]:
        return by_type(effective_months(self.workspace_months(), node.retention_months))

    def read_months(self, body: dict[str, Any], *, at: str = "") -> dict[str, int]:
        return read_by_type(body, Months, "months", at=at)


class WorkspaceRetentionView(RetentionView):
    @extend_schema(responses={200: RETENTION_BY_TYPE})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return self.answer(by_type(self.of_workspace()))

    @extend_schema(
        request={"application/json": RETENTION_BY_TYPE}, responses={200: RETENTION_BY_TYPE}
    )
    def put(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        set_for_event_types(
            self.workspace.id,
            field="retention_months",
            values=self.read_months(self.body()),
            otherwise=None,
            expected_version=self.expected,
        )
        return self.get(request, workspace_id)


class RetentionStatusView(RetentionView):
    """What the policy means today: the moment before which events of a type go."""

    @extend_schema(responses={200: RETENTION_STATUS})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        months = self.of_workspace()
        before = cutoffs(months, timezone.now())
        return self.answer(
            {
                name: {"months": kept, "deletedBefore": before.get(name)}
                for name, kept in months.items()
            }
        )


class NodeRetentionView(RetentionView):
    """Of an entry or aggregate node, with its switch."""

    @extend_schema(responses={200: NODE_RETENTION})
    def get(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        return self.described(self.any_node(node_id))

    @extend_schema(request=NodeRetentionInput, responses={200: NODE_RETENTION})
    def put(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.any_node(node_id)
        values = NodeRetentionInput.read(self.body())
        events = values.get("events")
        node = set_node_retention(
            self.workspace.id,
            node,
            months=None if events is None else self.read_months(events, at="/events"),
            enabled=values.get("enabled"),
            expected_version=self.expected,
        )
        return self.described(node)

    def described(self, node: Node) -> JsonResponse:
        return self.answer({"enabled": node.retention_enabled, "events": self.of_node(node)})


class EntryNodeRetentionView(RetentionView):
    @extend_schema(responses={200: RETENTION_BY_TYPE})
    def get(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        return self.answer(self.of_node(self.entry_node(node_id)))

    @extend_schema(
        request={"application/json": RETENTION_BY_TYPE}, responses={200: RETENTION_BY_TYPE}
    )
    def put(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.entry_node(node_id)
        months = self.read_months(self.body())
        node = set_node_retention(
            self.workspace.id, node, months=months, expected_version=self.expected
        )
        return self.answer(self.of_node(node))


class EntryNodeRetentionEnabledView(RetentionView):
    @extend_schema(responses={200: RetentionEnabled})
    def get(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        return self.answer({"enabled": self.entry_node(node_id).retention_enabled})

    @extend_schema(request=RetentionEnabledInput, responses={200: RetentionEnabled})
    def put(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.entry_node(node_id)
        enabled = RetentionEnabledInput.read(self.body())["enabled"]
        set_node_retention(self.workspace.id, node, enabled=enabled, expected_version=self.expected)
        return self.answer({"enabled": enabled})


def by_type(months: dict[str, int]) -> dict[str, dict[str, int]]:
    return {name: {"months": kept} for name, kept in months.items()}
