from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.api.schema import (
    SEND_SOURCE,
    SEND_SOURCE_LIST,
    SEND_SUBSCRIPTIONS,
    USER_DATABASE_FIELDS,
    USER_DATABASE_SUBSCRIPTIONS,
)
from configuration.api.scoping import WorkspaceView
from configuration.api.serializers.sources import SourceOutput
from configuration.api.views.configuration import OPERATOR
from configuration.models import SendSource, SendUserDatabase, Workspace
from contacthub_project.api.parameters import number_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.views import ContactHubViewSet
from contacthub_project.core.errors import NotFound

LARGEST_GROUP = 2**63 - 1
MOST_SOURCES = 10_000
GROUP = number_parameter(
    "groupPk",
    "Number of the customer group; the workspace's own unless given, others for operators only.",
    most=LARGEST_GROUP,
)


class SendSourcesView(ContactHubViewSet):
    """Send sources of the whole installation, for its operators."""

    @extend_schema(responses={200: SEND_SOURCE_LIST})
    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"elements": [_described(each) for each in _present()[:MOST_SOURCES]]})


class GroupSendSourcesView(ContactHubViewSet):
    @extend_schema(responses={200: SEND_SOURCE_LIST})
    def get(self, request: HttpRequest, group_pk: str) -> JsonResponse:
        found = list(_of_group(group_pk)[:MOST_SOURCES])
        if not found:
            raise NotFound(f"no send source of customer group {group_pk}")
        return JsonResponse({"elements": [_described(each) for each in found]})


class UserDatabaseSendSourceView(ContactHubViewSet):
    @extend_schema(responses={200: SEND_SOURCE})
    def get(self, request: HttpRequest, group_pk: str, userdb_id: str) -> JsonResponse:
        found = None if "\0" in userdb_id else _of_group(group_pk).filter(userdb_id=userdb_id)
        send = found.first() if found is not None else None
        if send is None:
            raise NotFound(f"no send source of user database {userdb_id}")
        return JsonResponse(_described(send))


class NodeSendSourceView(WorkspaceView):
    @extend_schema(responses={200: SEND_SOURCE})
    def get(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.any_node(node_id)
        send = _present().filter(node=node).first()
        if send is None:
            raise NotFound(f"node {node.id} has no send source")
        return JsonResponse(_described(send))


class UserDatabaseView(WorkspaceView):
    """Operations on the registry of user databases that staff keep."""

    def database(self, userdb_id: str) -> SendUserDatabase:
        parameters = QueryParameters(self.request)
        group = parameters.whole_number("groupPk", default=None, most=LARGEST_GROUP)
        parameters.raise_faults()
        own = Workspace.objects.get(id=self.workspace.id).group_pk
        wanted = own if group is None else group
        # What other customer groups keep is none of this workspace's business.
        allowed = wanted == own or OPERATOR in self.caller.roles
        found = (
            SendUserDatabase.objects.filter(group_pk=wanted, userdb_id=userdb_id).first()
            if allowed and "\0" not in userdb_id
            else None
        )
        if found is None:
            raise NotFound(f"user database not found {userdb_id}")
        return found


class UserDatabaseSubscriptionsView(UserDatabaseView):
    @extend_schema(parameters=[GROUP], responses={200: USER_DATABASE_SUBSCRIPTIONS})
    def get(
        self, request: HttpRequest, workspace_id: str, subscriber_source_id: str
    ) -> JsonResponse:
        return JsonResponse({"elements": self.database(subscriber_source_id).subscriptions})


class UserDatabaseFieldsView(UserDatabaseView):
    @extend_schema(parameters=[GROUP], responses={200: USER_DATABASE_FIELDS})
    def get(
        self, request: HttpRequest, workspace_id: str, subscriber_source_id: str
    ) -> JsonResponse:
        return JsonResponse({"elements": self.database(subscriber_source_id).fields})


class AggregateSendSubscriptionsView(WorkspaceView):
    """The subscriptions that the entry nodes of an aggregate node have mapped."""

    @extend_schema(responses={200: SEND_SUBSCRIPTIONS})
    def get(self, request: HttpRequest, workspace_id: str, aggregate_node_id: str) -> JsonResponse:
        node = self.aggregate_node(aggregate_node_id)
        sends = _present().filter(node_id__in=node.entry_nodes).order_by("node_id")
        return JsonResponse(
            [
                {**mapping, "nodeId": send.node_id, "sourceId": send.source_id}
                for send in sends
                for mapping in send.source.properties.get("subscriptionMappings") or ()
            ]
        )


def _present() -> QuerySet[SendSource]:
    return (
        SendSource.objects.filter(node__removed_at=None, node__workspace__removed_at=None)
        .select_related("source", "node__workspace")
        .prefetch_related("source__nodes")
        .order_by("group_pk", "userdb_id")
    )


def _of_group(group_pk: str) -> QuerySet[SendSource]:
    is_number = group_pk.isascii() and group_pk.isdigit() and len(group_pk) <= 18
    return _present().filter(group_pk=int(group_pk)) if is_number else SendSource.objects.none()


def _described(send: SendSource) -> dict[str, Any]:
    workspace = send.node.workspace
    return {
        "portfolio": send.group_pk,
        "id": str(workspace.id),
        "name": workspace.name,
        "industry": workspace.industry,
        "workspaceStatus": workspace.status,
        "nodeId": str(send.node_id),
        "nodeName": send.node.name,
        "nodeType": send.node.type,
        "contactSendSource": SourceOutput(send.source).data,
    }
