"""The base of view sets below `/workspaces/{workspaceId}`: tenancy, throttling, nodes.

A workspace that the token does not reach is answered like one that does not exist (403), before the
action runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.permissions import BasePermission
from rest_framework.throttling import BaseThrottle

from configuration.actions.access_log import keys_in, record_access
from configuration.actions.idempotency import RecordedAnswer, idempotent_response
from configuration.models import Node
from configuration.models.node import NodeQuerySet
from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of, rules_of
from contacthub_project.api import BASE_PATH
from contacthub_project.api.idempotency import (
    HEADER,
    content_of,
    idempotency_key,
    identity_of,
    ids_in,
    repeated_response,
)
from contacthub_project.api.operations import Operation
from contacthub_project.api.permissions import OperationPermission
from contacthub_project.api.query import id_or_unknown
from contacthub_project.api.throttling import Quota, take
from contacthub_project.api.viewsets import ContactHubViewSet
from contacthub_project.core.errors import Forbidden, NotFound
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.core.principal import READ, WRITE, Principal
from contacthub_project.messaging.pubsub import feed_topic, publisher
from contacthub_project.runtime.blocking import in_thread, run_blocking

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
            # A request whose action is run again, for its form, counts once.
            counted = getattr(request, "quota", None)
            view.quota = take(view.workspace.id, limit) if counted is None else counted
            request.quota = view.quota  # type: ignore[attr-defined]
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
    # What the audit log says of an operation that it notes, besides the ids in the path.
    accessed: Sequence[UUID] = ()
    access_reason = ""

    def finalize_response(
        self, request: HttpRequest, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Note accesses of people; notify those who wait for changes; add headers of the quota."""
        if response.status_code < 400:
            if self.operation.is_noted and self.caller.user_id is not None:
                self._note_access(request, self.caller.user_id)
            if request.method not in SAFE_METHODS:
                publisher.notify(feed_topic(self.workspace.id))
            if self.quota is not None:
                for name, value in self.quota.headers().items():
                    response.headers[name] = value
        return super().finalize_response(request, response, *args, **kwargs)

    def _note_access(self, request: HttpRequest, user_id: int) -> None:
        keys = [*keys_in(self.kwargs), *map(str, self.accessed)]
        customer = as_uuid(self.kwargs.get("customer_id", ""))
        record_access(
            user_id=user_id,
            workspace_id=self.workspace.id,
            method=self.operation.method,
            path=request.path.removeprefix(BASE_PATH),
            summary=self.operation.summary,
            keys=keys,
            customer_id=customer or (self.accessed[0] if len(self.accessed) == 1 else None),
            reason=self.access_reason,
        )

    def takes_idempotency_key(self, operation: Operation) -> bool:
        """Every operation that writes in a workspace takes one, unless its body holds a file."""
        is_inside = operation.path.startswith("/workspaces/{workspaceId}")
        writes = operation.method not in SAFE_METHODS
        return is_inside and writes and not operation.takes_upload

    def get_handler(self, request: HttpRequest) -> Callable[..., Any]:
        """Return the action; with the header Idempotency-Key one that answers only once."""
        handler = super().get_handler(request)
        if HEADER not in request.META or not self.takes_idempotency_key(self.operation):
            return handler
        if self.action in self.asynchronous_actions:
            return partial(self._idempotent_response_in_thread, handler)
        return partial(self.idempotent_response, handler)

    async def _idempotent_response_in_thread(
        self, handler: Callable[..., Any], request: HttpRequest, **kwargs: Any
    ) -> HttpResponseBase:
        def run(request: HttpRequest, **kwargs: Any) -> Any:
            return run_blocking(handler(request, **kwargs))

        return await in_thread(partial(self.idempotent_response, run, request, **kwargs))

    def idempotent_response(
        self, handler: Callable[..., Any], request: HttpRequest, **kwargs: Any
    ) -> HttpResponseBase:
        """Return the answer of `handler`, or what it was when the request came first.

        Raises Invalid for a key that is none, Conflict for one of another request.
        """
        responses: list[HttpResponseBase] = []

        def answer() -> RecordedAnswer | None:
            response = self.with_date_format(handler(request, **kwargs))
            responses.append(response)
            content = content_of(response)
            if content is None:
                return None
            entities = frozenset(self.entities_of(content)) - {self.workspace.id}
            return RecordedAnswer(
                response.status_code,
                dict(response.items()),
                content.decode(),
                entities - self.workspace.nodes.keys(),
            )

        key = idempotency_key(request)
        first = idempotent_response(
            self.workspace.id, key, identity_of(request), answer, by=self.caller
        )
        if first is None:
            return responses[0]
        return repeated_response(first.status, dict(first.headers), self.repeated_content(first))

    def entities_of(self, content: bytes) -> Iterable[UUID]:
        """Return the ids of what an answer is about: those that its path and its body name.

        When a person is forgotten, so are the answers that name them or one of their events.
        """
        in_path = (as_uuid(value) for value in self.kwargs.values())
        return [*(each for each in in_path if each is not None), *ids_in(content)]

    def repeated_content(self, first: RecordedAnswer) -> str:
        """Return the body of an answer that is given again."""
        return first.content

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
            raise Forbidden(
                f"The client is not allowed in node {node.id}",
                data={"nodeId": str(node.id), "permission": READ},
            )
        return node

    def node_rules(self, node_id: str | UUID) -> NodeRules | None:
        """Return the rules of a node, without a check of the caller; None if there is none."""
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
            raise Forbidden(
                f"The client is not allowed to {verb} in node {rules.id}",
                data={"nodeId": str(rules.id), "permission": permission},
            )
        return rules


def reached_workspace(principal: Principal, workspace_id: str) -> WorkspaceRules:
    """Return the rules of a workspace in which the principal works; raises Forbidden."""
    found = as_uuid(workspace_id)
    rules = rules_of(found) if found and principal.reaches(found) else None
    if rules is None:
        raise Forbidden(f"workspace not found: {workspace_id}")
    return rules
