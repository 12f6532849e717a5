"""Connections of nodes to user databases of Contactsend."""

from __future__ import annotations

from rest_framework import serializers

from configuration.api.serializers.sources import SourceOutput
from configuration.domain.vocabulary import INDUSTRIES
from configuration.models import NodeType, SendSource, WorkspaceStatus
from contacthub_project.api.components import OPEN_OBJECT
from contacthub_project.api.serializers import DocumentSerializer


class UserDatabaseField(DocumentSerializer):
    """A field of a user database, as staff have registered it."""

    schema = OPEN_OBJECT


class UserDatabaseSubscription(DocumentSerializer):
    """A subscription of a user database, as staff have registered it."""

    schema = OPEN_OBJECT


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
