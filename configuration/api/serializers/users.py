"""People of a workspace, and their permissions in its nodes."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from configuration.models import NodePermission, User
from configuration.models.user import Role
from contacthub_project.api.fields import IgnoredField, ImmutableField, StrictList, StrictUuid
from contacthub_project.api.serializers import StrictSerializer


class GrantInput(StrictSerializer):
    """A person's permission in a node."""

    id = StrictUuid()
    permission = serializers.ChoiceField(NodePermission.choices, default=NodePermission.READ)


class UserInput(StrictSerializer):
    """A person's nodes in the workspace; everything else is immutable here."""

    id = ImmutableField(serializers.IntegerField())
    username = ImmutableField(serializers.CharField())
    name = ImmutableField(serializers.CharField(allow_blank=True))
    surname = ImmutableField(serializers.CharField(allow_blank=True))
    email = ImmutableField(serializers.CharField(allow_blank=True))
    roles = ImmutableField(serializers.ListField(child=serializers.ChoiceField(Role.choices)))
    registeredAt = ImmutableField(serializers.DateTimeField())
    updatedAt = IgnoredField(serializers.DateTimeField(), help_text="Generated; ignored.")
    nodes = StrictList(child=GrantInput(), max_length=1000)

    def validate_nodes(self, nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({grant["id"] for grant in nodes}) < len(nodes):
            raise serializers.ValidationError("names a node twice", "uniqueItems")
        return nodes


class Grant(serializers.Serializer):
    """A node and a person's permission in it."""

    id = serializers.UUIDField(source="node_id")
    permission = serializers.ChoiceField(NodePermission.choices)


class UserOutput(serializers.ModelSerializer):
    """A person of the workspace."""

    email = serializers.CharField()  # empty where none is known
    registeredAt = serializers.DateTimeField(source="registered_at")
    updatedAt = serializers.DateTimeField(source="updated_at")
    nodes = Grant(source="grants_here", many=True)

    class Meta:
        model = User
        fields = [
            "id",
            "username",
            "name",
            "surname",
            "email",
            "roles",
            "registeredAt",
            "updatedAt",
            "nodes",
        ]
