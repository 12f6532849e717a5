"""Workspaces, for operators."""

from __future__ import annotations

from rest_framework import serializers

from configuration.models import Workspace, WorkspaceStatus
from contacthub_project.api.fields import StrictInteger, StrictPattern, StrictText
from contacthub_project.api.serializers import StrictSerializer


class WorkspaceInput(StrictSerializer):
    """The body of a new workspace."""

    name = StrictText(max_length=255)
    slug = StrictPattern(
        r"^[a-z0-9]+(-[a-z0-9]+)*\Z",
        message="must be lower-case letters, digits and single hyphens",
        max_length=255,
    )
    groupPk = StrictInteger(source="group_pk", min_value=0, max_value=2**63 - 1)
    shard = StrictText(max_length=64)


class WorkspaceStatusBody(StrictSerializer):
    """The status of a workspace."""

    status = serializers.ChoiceField(WorkspaceStatus.choices)


class WorkspaceOutput(serializers.ModelSerializer):
    """The provisioning of a workspace."""

    groupPk = serializers.IntegerField(source="group_pk")

    class Meta:
        model = Workspace
        fields = ["id", "name", "slug", "groupPk", "shard", "status"]
