"""Webhooks and their log."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.api.scoping import WorkspaceScopedViewSet
from contacthub_project.api import pagination
from contacthub_project.api.pagination import LARGEST_MATCH, PageRules
from contacthub_project.api.query import get_or_not_found
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.request_headers import expected_version
from contacthub_project.api.schema import page_of
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import Forbidden
from contacthub_project.core.principal import READ
from customers.actions import webhooks as actions
from customers.api.feed_schema import WEBHOOK_PREVIEW
from customers.api.serializers import (
    DeliveryOutput,
    ReplayInput,
    WebhookAttemptOutput,
    WebhookInput,
    WebhookOutput,
    WebhookSelectionInput,
    WebhookUpdate,
)
from customers.models import Webhook, WebhookAttempt
from customers.models.webhook import WebhookQuerySet
from customers.queries.feed import start_at, update_moments

WEBHOOK_MOMENTS = dict.fromkeys(("failingSince", "nextAttemptAt", "createdAt", "updatedAt"), True)


class WebhookViewSet(WorkspaceScopedViewSet):
    """Webhooks of a workspace. A caller of some nodes sees only those of its nodes."""

    page_rules = pagination.CONFIGURATION

    @extend_schema(responses={200: page_of(WebhookOutput, "webhooks")})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return a page of webhooks, by name."""
        page = self.requested_page()
        webhooks = self.get_queryset()
        elements = WebhookOutput(page.slice(webhooks), many=True).data
        return JsonResponse(page.of(elements, total=webhooks.count()))

    @extend_schema(request=WebhookInput, responses={201: WebhookOutput})
    def create(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Create a webhook for changes from now on; the response has its secret."""
        values = WebhookInput.read(self.body())
        self.check_nodes(values.get("node_ids", []))
        webhook, secret = actions.create_webhook(self.workspace, values)
        return _with_secret(webhook, secret, status=201)

    @extend_schema(request=WebhookSelectionInput, responses={200: WEBHOOK_PREVIEW})
    def preview(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return what a webhook would send of the latest changes, without creating it."""
        values = WebhookSelectionInput.read(self.body())
        self.check_nodes(values.get("node_ids", []))
        found = actions.preview_webhook(self.workspace, values)
        return JsonResponse(
            {
                "examined": {"after": found.after, "to": found.last},
                "selected": found.selected,
                "updates": found.examples,
            }
        )

    @extend_schema(responses={200: WebhookOutput})
    def retrieve(self, request: HttpRequest, workspace_id: str, webhook_id: str) -> JsonResponse:
        """Return a webhook."""
        webhook = self.get_object(webhook_id)
        return JsonResponse(WebhookOutput(webhook).data, version=webhook.version)

    @extend_schema(request=WebhookUpdate, responses={200: WebhookOutput})
    def update(self, request: HttpRequest, workspace_id: str, webhook_id: str) -> JsonResponse:
        """Change a webhook; absent values stay."""
        webhook = self.get_object(webhook_id)
        values = WebhookUpdate.read(self.body(), current=WebhookOutput(webhook).data)
        self.check_nodes(values.get("node_ids", webhook.node_ids))
        webhook = actions.modify_webhook(
            self.workspace, webhook.id, values, expected_version=expected_version(request)
        )
        return JsonResponse(WebhookOutput(webhook).data, version=webhook.version)

    @extend_schema(responses={204: None})
    def destroy(self, request: HttpRequest, workspace_id: str, webhook_id: str) -> NoContent:
        """Delete a webhook."""
        webhook = self.get_object(webhook_id)
        self.check_if_match(webhook.version)
        actions.delete_webhook(self.workspace.id, webhook.id)
        return NoContent()

    @extend_schema(request=None, responses={200: WebhookOutput})
    def rotate_secret(
        self, request: HttpRequest, workspace_id: str, webhook_id: str
    ) -> JsonResponse:
        """Create a new secret; the old one signs, too, for a day."""
        webhook = self.get_object(webhook_id)
        webhook, secret = actions.rotate_secret(self.workspace.id, webhook.id)
        return _with_secret(webhook, secret)

    @extend_schema(request=ReplayInput, responses={200: WebhookOutput})
    def replay(self, request: HttpRequest, workspace_id: str, webhook_id: str) -> JsonResponse:
        """Deliver changes again."""
        webhook = self.get_object(webhook_id)
        after = start_at(self.workspace.id, **ReplayInput.read(self.body()))
        webhook = actions.replay(self.workspace.id, webhook.id, after=after)
        return JsonResponse(WebhookOutput(webhook).data, version=webhook.version)

    @extend_schema(request=None, responses={200: DeliveryOutput})
    def test(self, request: HttpRequest, workspace_id: str, webhook_id: str) -> JsonResponse:
        """Send a message without updates now, and return the result."""
        answer = actions.send_test(self.get_object(webhook_id))
        return JsonResponse(
            {
                "status": answer.status,
                "milliseconds": answer.milliseconds,
                "error": answer.error,
                "answer": answer.beginning,
            }
        )

    def get_queryset(self) -> WebhookQuerySet:
        """Return the webhooks that the caller may see: all, or those of its nodes."""
        return Webhook.objects.in_workspace(self.workspace.id).readable_by(self.caller)

    def get_object(self, webhook_id: str) -> Webhook:
        """Return a webhook of the workspace; raises NotFound."""
        return get_or_not_found(self.get_queryset(), webhook_id, "webhook")

    def check_nodes(self, node_ids: Any) -> None:
        """Raise Forbidden when a webhook would send changes of unreadable nodes."""
        readable = self.caller.nodes_with(READ)
        if readable is None:
            return
        if not node_ids:
            raise Forbidden("The client reads some nodes only: name those to be told of")
        for node_id in node_ids:
            self.readable_node(node_id)

    def moments(self) -> Positions:
        """Return the positions of timestamps in a webhook, a page of them, or a preview."""
        if self.action == "preview":
            return {"updates": (update_moments(self.workspace),)}
        return {"elements": (WEBHOOK_MOMENTS,)} if self.action == "list" else WEBHOOK_MOMENTS


class WebhookAttemptViewSet(WebhookViewSet):
    """The log of a webhook."""

    page_rules = PageRules(default_size=20, largest_size=100, last_page=None)

    @extend_schema(responses={200: page_of(WebhookAttemptOutput, "attempts")})
    def list_attempts(
        self, request: HttpRequest, workspace_id: str, webhook_id: str
    ) -> JsonResponse:
        """Return attempts to deliver, the latest first."""
        page = self.requested_page()
        webhook = self.get_object(webhook_id)
        attempts = WebhookAttempt.objects.of_webhook(self.workspace.id, webhook.id)
        elements = WebhookAttemptOutput(page.slice(attempts), many=True).data
        return JsonResponse(page.of(elements, total=attempts.count_up_to(LARGEST_MATCH)))

    def moments(self) -> Positions:
        """Return the positions of timestamps in a page of attempts."""
        return {"elements": ({"attemptedAt": True},)}


def _with_secret(webhook: Webhook, secret: str, status: int = 200) -> JsonResponse:
    data = WebhookOutput(webhook, context={"secret": secret}).data
    return JsonResponse(data, status=status, version=webhook.version)
