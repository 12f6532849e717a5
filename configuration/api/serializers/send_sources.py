"""Connections of nodes to user databases of Contactsend."""

from __future__ import annotations

from rest_framework import serializers

from configuration.api.serializers.sources import SourceOutput
from configuration.domain.vocabulary import INDUSTRIES
from configuration.models import NodeType, SendSource, WorkspaceStatus


class SendSourceOutput(serializers.ModelSerializer):
    """A send source, with its node and workspace."""

    portfolio = serializers.IntegerField(source="group_pk")
    id = serializers.UUIDField(source="node.workspace.id")
    name = serializers.CharField(source="node.workspace.name")
    industry = serializers.ChoiceField(INDUSTRIES, source="node.workspace.industry")
    workspaceStatus = serializers.ChoiceField(
        WorkspaceStatus.choices, source="node.workspace.status"
    )
    nodeId = serializers.UUIDField(source="node_id")
    nodeName = serializers.CharField(source="node.name")
    nodeType = serializers.ChoiceField(NodeType.choices, source="node.type")
    contactSendSource = SourceOutput(source="source")

    class Meta:
        model = SendSource
        fields = [
            "portfolio",
            "id",
            "name",
            "industry",
            "workspaceStatus",
            "nodeId",
            "nodeName",
            "nodeType",
            "contactSendSource",
        ]
