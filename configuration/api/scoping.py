"""The base of view sets below `/workspaces/{workspaceId}`: tenancy, throttling, nodes.

A workspace that the token does not reach is answered like one that does not exist (403), before the
action runs.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.permissions import BasePermission
from rest_framework.throttling import BaseThrottle

from configuration.models import Node
from configuration.models.node import NodeQuerySet
from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of, rules_of
from contacthub_project.api.permissions import OperationPermission
from contacthub_project.api.query import id_or_unknown
from contacthub_project.api.throttling import Quota, take
from contacthub_project.api.viewsets import ContactHubViewSet
from contacthub_project.core.errors import Forbidden, NotFound
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.core.principal import READ, WRITE, Principal
from contacthub_project.messaging.pubsub import feed_topic, publisher

SAFE_METHODS = frozenset({"GET", "HEAD"})


class WorkspacePermission(BasePermission):
    """The caller works in the workspace, and its status allows the operation."""

    def has_permission(self, request: HttpRequest, view: Any) -> bool:
        """Set the view's `workspace`; raises Forbidden."""
        view.workspace = reached_workspace(view.caller, view.kwargs["workspace_id"])
        if view.serves_closed_workspaces:
            return True
        if view.workspace.is_disabled:
            raise Forbidden("The workspace is disabled")
        if view.workspace.is_read_only and request.method not in SAFE_METHODS:
            raise Forbidden("The workspace is suspended and can only be read")
        return True


class WorkspaceThrottle(BaseThrottle):
    """Limits the requests per minute to the number in the workspace's configuration."""

    def allow_request(self, request: HttpRequest, view: Any) -> bool:
        """Set the view's `quota`; raises LimitExceeded."""
        limit = view.workspace.max_requests_per_minute
        if limit and view.is_throttled:
            view.quota = take(view.workspace.id, limit)
        return True


class WorkspaceScopedViewSet(ContactHubViewSet):
    """The base of view sets in a workspace; `workspace` holds its rules."""

    permission_classes = (OperationPermission, WorkspacePermission)
    throttle_classes = (WorkspaceThrottle,)
    workspace: WorkspaceRules
    # Operators switch and delete workspaces that are closed for everything else.
    serves_closed_workspaces = False
    # A limit set too low can always be seen and raised.
    is_throttled = True
    quota: Quota | None = None

    def finalize_response(
        self, request: HttpRequest, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Notify those who wait for changes of the workspace; add headers of the quota."""
        if response.status_code < 400:
            if request.method not in SAFE_METHODS:
                publisher.notify(feed_topic(self.workspace.id))
            if self.quota is not None:
                for name, value in self.quota.headers().items():
                    response.headers[name] = value
        return super().finalize_response(request, response, *args, **kwargs)

    def readable_node(self, node_id: str | UUID) -> NodeRules:
        """Return the rules of a node the caller may read; raises NotFound or Forbidden."""
        return self._node(node_id, READ)

    def writable_node(self, node_id: str | UUID) -> NodeRules:
        """Return the rules of a node the caller may write; raises NotFound or Forbidden."""
        return self._node(node_id, WRITE)

    def entry_node(self, node_id: str) -> Node:
        """Return an entry node that the caller reaches; raises NotFound or Forbidden."""
        return self._reached(node_id, Node.objects.in_workspace(self.workspace.id).entries())

    def aggregate_node(self, node_id: str) -> Node:
        """Return an aggregate node that the caller reaches; raises NotFound or Forbidden."""
        return self._reached(node_id, Node.objects.in_workspace(self.workspace.id).aggregates())

    def any_node(self, node_id: str) -> Node:
        """Return a node that the caller reaches; raises NotFound or Forbidden."""
        return self._reached(node_id, Node.objects.in_workspace(self.workspace.id))

    def _reached(self, node_id: str, nodes: NodeQuerySet) -> Node:
        node = nodes.filter(id=id_or_unknown(node_id)).first()
        if node is None:
            raise NotFound(f"node not found {node_id}")
        if not (self.caller.may(READ, node.id) or self.caller.may(WRITE, node.id)):
            raise Forbidden(f"The client is not allowed in node {node.id}")
        return node

    def node_rules(self, node_id: str | UUID) -> NodeRules | None:
        """Return the rules of a node, whoever the caller is; None if there is none."""
        found = node_id if isinstance(node_id, UUID) else as_uuid(node_id)
        if found is None:
            return None
        if found not in self.workspace.nodes:
            # It may be younger than what this process remembers of the workspace.
            self.workspace = latest_rules_of(self.workspace.id) or self.workspace
        return self.workspace.nodes.get(found)

    def _node(self, node_id: str | UUID, permission: str) -> NodeRules:
        rules = self.node_rules(node_id)
        if rules is None:
            raise NotFound(f"node not found {node_id}")
        if not self.caller.may(permission, rules.id):
            verb = "read" if permission == READ else "write"
            raise Forbidden(f"The client is not allowed to {verb} in node {rules.id}")
        return rules


def reached_workspace(principal: Principal, workspace_id: str) -> WorkspaceRules:
    """Return the rules of a workspace in which the principal works; raises Forbidden."""
    found = as_uuid(workspace_id)
    rules = rules_of(found) if found and principal.reaches(found) else None
    if rules is None:
        raise Forbidden(f"workspace not found: {workspace_id}")
    return rules
