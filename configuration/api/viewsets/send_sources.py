"""Connections of nodes to user databases of Contactsend, and the registry of those."""

from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.api.filters import LARGEST_GROUP
from configuration.api.schema import SEND_SUBSCRIPTIONS
from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.api.serializers.send_sources import (
    SendSourceOutput,
    UserDatabaseField,
    UserDatabaseSubscription,
)
from configuration.models import SendSource, SendUserDatabase, Workspace
from configuration.models.user import Role
from contacthub_project.api.parameters import number_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.schema import elements_of
from contacthub_project.api.viewsets import ContactHubViewSet
from contacthub_project.core.errors import NotFound

MOST_SOURCES = 10_000
LISTED = elements_of(SendSourceOutput, "send sources")
FIELDS_OF_DATABASE = elements_of(UserDatabaseField, "fields of the user database")
SUBSCRIPTIONS_OF_DATABASE = elements_of(
    UserDatabaseSubscription, "subscriptions of the user database"
)
GROUP = number_parameter(
    "groupPk",
    "Number of the customer group; the workspace's own unless given, others for operators only.",
    most=LARGEST_GROUP,
)


class SendSourceViewSet(ContactHubViewSet):
    """Send sources of the whole installation, for its operators."""

    @extend_schema(responses={200: LISTED})
    def list(self, request: HttpRequest) -> JsonResponse:
        found = SendSource.objects.present().with_source()[:MOST_SOURCES]
        return JsonResponse({"elements": SendSourceOutput(found, many=True).data})

    @extend_schema(responses={200: LISTED})
    def list_of_group(self, request: HttpRequest, group_pk: str) -> JsonResponse:
        found = SendSource.objects.present().of_group(group_pk).with_source()[:MOST_SOURCES]
        if not found:
            raise NotFound(f"no send source of customer group {group_pk}")
        return JsonResponse({"elements": SendSourceOutput(found, many=True).data})

    @extend_schema(responses={200: SendSourceOutput})
    def retrieve(self, request: HttpRequest, group_pk: str, userdb_id: str) -> JsonResponse:
        sources = SendSource.objects.present().of_group(group_pk).with_source()
        send = sources.filter(userdb_id=userdb_id).first() if "\0" not in userdb_id else None
        if send is None:
            raise NotFound(f"no send source of user database {userdb_id}")
        return JsonResponse(SendSourceOutput(send).data)


class NodeSendSourceViewSet(WorkspaceScopedViewSet):
    """The send source of a node, and the subscriptions that an aggregate node mirrors."""

    @extend_schema(responses={200: SendSourceOutput})
    def retrieve(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.any_node(node_id)
        send = (
            SendSource.objects.present()
            .of_nodes(self.workspace.id, [node.id])
            .with_source()
            .first()
        )
        if send is None:
            raise NotFound(f"node {node.id} has no send source")
        return JsonResponse(SendSourceOutput(send).data)

    @extend_schema(responses={200: SEND_SUBSCRIPTIONS})
    def subscriptions(
        self, request: HttpRequest, workspace_id: str, aggregate_node_id: str
    ) -> JsonResponse:
        """Return the subscriptions mapped by the entry nodes of the aggregate node."""
        node = self.aggregate_node(aggregate_node_id)
        sends = SendSource.objects.present().of_nodes(self.workspace.id, node.entry_nodes)
        mappings = [
            {**mapping, "nodeId": send.node_id, "sourceId": send.source_id}
            for send in sends.select_related("source").order_by("node_id")
            for mapping in send.source.properties.get("subscriptionMappings") or ()
        ]
        return JsonResponse(mappings)


class UserDatabaseViewSet(WorkspaceScopedViewSet):
    """The registry of user databases, kept by staff."""

    @extend_schema(
        parameters=[GROUP],
        responses={200: SUBSCRIPTIONS_OF_DATABASE},
    )
    def subscriptions(
        self, request: HttpRequest, workspace_id: str, subscriber_source_id: str
    ) -> JsonResponse:
        registered = self.get_object(subscriber_source_id).subscriptions
        return JsonResponse({"elements": UserDatabaseSubscription(registered, many=True).data})

    @extend_schema(
        parameters=[GROUP],
        responses={200: FIELDS_OF_DATABASE},
    )
    def fields(
        self, request: HttpRequest, workspace_id: str, subscriber_source_id: str
    ) -> JsonResponse:
        registered = self.get_object(subscriber_source_id).fields
        return JsonResponse({"elements": UserDatabaseField(registered, many=True).data})

    def get_object(self, userdb_id: str) -> SendUserDatabase:
        """Return a user database of the requested customer group; raises Invalid or NotFound.

        Those of other customer groups are for operators only.
        """
        parameters = QueryParameters(self.request)
        group = parameters.whole_number("groupPk", default=None, most=LARGEST_GROUP)
        parameters.raise_faults()
        own = Workspace.objects.get(id=self.workspace.id).group_pk
        requested_group = own if group is None else group
        allowed = requested_group == own or Role.CLAB_OPERATOR in self.caller.roles
        found = (
            SendUserDatabase.objects.filter(group_pk=requested_group, userdb_id=userdb_id).first()
            if allowed and "\0" not in userdb_id
            else None
        )
        if found is None:
            raise NotFound(f"user database not found {userdb_id}")
        return found
