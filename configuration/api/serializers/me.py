"""The current user."""

from __future__ import annotations

from rest_framework import serializers

from configuration.api.schema import ROLES
from configuration.models import NodePermission, NodeType, WorkspaceStatus


class ReachedNode(serializers.Serializer):
    """A node and the caller's permission in it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.ChoiceField(NodeType.choices)
    permission = serializers.ChoiceField(NodePermission.choices)


class ReachedWorkspace(serializers.Serializer):
    """A workspace of the caller."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.ChoiceField(WorkspaceStatus.choices)
    nodes = ReachedNode(many=True)


class ReachedGroup(serializers.Serializer):
    """A customer group, by its number."""

    id = serializers.IntegerField()
    workspaces = ReachedWorkspace(many=True)


class Me(serializers.Serializer):
    """The current user, with groups, workspaces and nodes."""

    id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()
    surname = serializers.CharField(allow_null=True)
    groups = ReachedGroup(many=True)
    lang = serializers.CharField()
    email = serializers.CharField(allow_null=True)
    roles = serializers.ListField(child=serializers.ChoiceField(ROLES))
    mc = serializers.BooleanField(help_text="Whether the back-office is open to the caller.")
