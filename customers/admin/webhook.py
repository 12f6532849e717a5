"""Webhooks in the back-office.

List, form, secret, test message, replay, and the log of attempts.
"""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from contacthub_project.admin.confirmation import Confirmation
from contacthub_project.admin.model_admin import WORKSPACE, WorkspaceModelAdmin
from contacthub_project.admin.saving import SavesThroughApi, failure_text
from contacthub_project.admin.sign_in.reauthentication import hold_form
from customers.admin.rule_field import is_buildable
from customers.admin.webhook_form import OPERATIONS, WebhookForm
from customers.admin.webhook_replay import ReplayForm
from customers.domain.updates import Update
from customers.domain.webhooks import customer_of
from customers.models import ChangeEntity, ChangeOperation, Webhook, WebhookState
from customers.models.webhook import WebhookQuerySet

WEBHOOKS = WORKSPACE + "/webhooks"
WEBHOOK = WEBHOOKS + "/{webhookId}"
SELECTION = (
    "entities", "operations", "nodes", "eventTypes", "segments", "condition", "eventConditions",
    "fields",
)  # fmt: skip
ENTITIES = {
    ChangeEntity.CUSTOMER.value: _("Customer"),
    ChangeEntity.EVENT.value: _("Event"),
    ChangeEntity.SEGMENT.value: _("Segment"),
}
DELIVERIES = (
    _("Deliveries"),
    {"fields": ("delivered_offset", "failures", "failing_since", "next_attempt_at")},
)


@admin.register(Webhook)
class WebhookAdmin(SavesThroughApi, WorkspaceModelAdmin):
    """Webhooks with their progress."""

    operations = {
        "view": ("GET", WEBHOOKS),
        "add": ("POST", WEBHOOKS),
        "change": ("PUT", WEBHOOK),
        "delete": ("DELETE", WEBHOOK),
    }
    api_path = "/webhooks"
    sensitive = {
        "add": gettext_lazy(
            "You make a webhook, to which data of customers is sent, and see its secret."
        ),
        "change": gettext_lazy("You change where data of customers is sent to."),
        "new_secret": gettext_lazy("You make a new secret of a webhook."),
    }
    form = WebhookForm
    list_display = (
        "name",
        "url",
        "displayed_state",
        "failures",
        "failing_since",
        "delivered_offset",
    )
    list_display_links = ("name",)
    list_filter = (("state", ChoicesDropdownFilter),)
    search_fields = ("name", "url")
    search_help_text = _("Name or address")
    ordering = ("name", "id")
    actions = ("activate", "pause")
    change_form_template = "admin/customers/webhook.html"
    actions_detail = ("show_preview", "send_test", "new_secret", "replay", "show_attempts")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the parts of the form; a new webhook has no deliveries yet."""
        has_rules = obj is None or is_buildable(obj.condition)
        told_of = (
            "entities",
            "operations",
            "nodes",
            "event_types",
            "segments",
            "rules" if has_rules else "condition",
            "event_conditions",
        )
        parts = [
            (None, {"fields": ("name", "url", "state", "paused_reason")}),
            (_("What it is told of"), {"fields": told_of}),
            (_("What is sent"), {"fields": ("sent_fields", "max_in_flight")}),
        ]
        return parts if obj is None else [*parts, DELIVERIES]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (
            "paused_reason", "delivered_offset", "failures", "failing_since",
            "next_attempt_at",
        )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        """Return the webhooks of nodes that the person may read."""
        webhooks: WebhookQuerySet = super().get_queryset(request)  # type: ignore[assignment]
        return webhooks.readable_by(self.principal(request))

    def get_api_body(self, request: HttpRequest, form: Any, current: Any) -> dict[str, Any]:
        body = super().get_api_body(request, form, current)
        body["eventTypes"] = (body["eventTypes"] or "").split()
        body["fields"] = (body.pop("sentFields") or "").split()
        body["eventConditions"] = body["eventConditions"] or []
        if "rules" in body:
            body["condition"] = body.pop("rules")
        if body["maxInFlight"] is None:
            del body["maxInFlight"]
        return body

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponseBase:
        return self._secret_page(request, obj, request.api_reply)  # type: ignore[attr-defined]

    @action(description=_("Preview"), icon="preview", permissions=["change"])
    def show_preview(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Show what the webhook as it is saved would send of the latest changes."""
        webhook = self._found(request, object_id)
        office = self.office(request)
        if office is None:
            raise Http404
        saved = office.get(f"/webhooks/{webhook.pk}")
        selection = {name: saved[name] for name in SELECTION}
        reply = self.api(request).preview(f"{self.get_api_path(request)}/preview", selection)
        if not reply.is_good:
            messages.error(request, failure_text(request, reply))
            return self._back(object_id)
        examined = reply.json["examined"]
        context = self.admin_site.each_context(request) | {
            "title": gettext("What {webhook} would send").format(webhook=webhook),
            "office": office,
            "opts": self.opts,
            "object": webhook,
            "examined": examined["to"] - examined["after"],
            "selected": reply.json["selected"],
            "updates": [_displayed_update(each) for each in reversed(reply.json["updates"])],
        }
        return TemplateResponse(request, "admin/customers/webhook_preview.html", context)

    @action(description=_("Send a test"), icon="send", permissions=["change"])
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Confirm, send a message without updates, and display the result."""
        webhook = self._found(request, object_id)
        confirmation = Confirmation(
            title=gettext("Send a test to {webhook}?").format(webhook=webhook),
            what=gettext("A signed message without data of anybody goes to {url}.").format(
                url=webhook.url
            ),
            action=gettext("Send"),
            is_dangerous=False,
        )
        page = confirmation.page(request, self, webhook)
        if page is not None:
            return page
        reply = self._write(request, webhook, "/test")
        if not reply.is_good:
            messages.error(request, failure_text(request, reply))
        elif (status := reply.json["status"]) is not None and 200 <= status < 300:
            taken = gettext("Taken: {status} after {milliseconds} ms.").format(
                status=status, milliseconds=reply.json["milliseconds"]
            )
            messages.success(request, taken)
        else:
            messages.error(
                request,
                reply.json["error"]
                or gettext("The receiver answered {status}.").format(status=status),
            )
        return self._back(object_id)

    @action(description=_("New secret"), icon="key", permissions=["change"])
    def new_secret(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Confirm, then create a new secret and display it."""
        webhook = self._found(request, object_id)
        held_back = hold_form(request, self.sensitive_act("new_secret"))
        if held_back is not None:
            return held_back
        confirmation = Confirmation(
            title=gettext("New secret for {webhook}?").format(webhook=webhook),
            what=gettext("For 24 hours messages carry signatures of the old and the new one."),
            action=gettext("Make a new secret"),
            is_dangerous=False,
        )
        page = confirmation.page(request, self, webhook)
        if page is not None:
            return page
        reply = self._write(request, webhook, "/secret")
        if reply.is_good:
            return self._secret_page(request, webhook, reply)
        messages.error(request, failure_text(request, reply))
        return self._back(object_id)

    @action(description=_("Deliver again"), icon="replay", permissions=["change"])
    def replay(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Confirm the start, then deliver changes again."""
        webhook = self._found(request, object_id)
        form = ReplayForm(request.POST or None, initial={"offset": webhook.delivered_offset})
        confirmation = Confirmation(
            title=gettext("Deliver to {webhook} again?").format(webhook=webhook),
            what=gettext("It has been told everything up to offset {delivered_offset}.").format(
                delivered_offset=webhook.delivered_offset
            ),
            action=gettext("Deliver again"),
            form=form,
            is_dangerous=False,
        )
        page = confirmation.page(request, self, webhook)
        if page is not None:
            return page
        reply = self._write(request, webhook, "/replay", form.start())
        if reply.is_good:
            messages.success(request, gettext("Deliveries begin anew from there."))
        else:
            messages.error(request, failure_text(request, reply))
        return self._back(object_id)

    @action(description=_("Log"), icon="list", permissions=["view"])
    def show_attempts(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Redirect to the attempts to deliver to it."""
        address = reverse("admin:customers_webhookattempt_changelist")
        return HttpResponseRedirect(f"{address}?q={object_id}")

    @admin.action(description=_("Activate"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        done = self.change_each(request, queryset, {"state": WebhookState.ACTIVE.value})
        messages.success(request, gettext("{count} changed.").format(count=done))

    @admin.action(description=_("Pause"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        done = self.change_each(request, queryset, {"state": WebhookState.PAUSED.value})
        messages.success(request, gettext("{count} changed.").format(count=done))

    @display(
        description=_("State"), ordering="state",
        label={"active": "success", "failing": "warning", "paused": "danger"},
    )  # fmt: skip
    def displayed_state(self, webhook: Webhook) -> tuple[str, str]:
        if webhook.state == WebhookState.PAUSED:
            return "paused", gettext("paused")
        return (
            ("failing", gettext("failing")) if webhook.failures else ("active", gettext("active"))
        )

    def _found(self, request: HttpRequest, object_id: str) -> Webhook:
        webhook: Webhook | None = self.get_object(request, object_id)
        if webhook is None:
            raise Http404
        return webhook

    def _write(self, request: HttpRequest, webhook: Webhook, path: str, body: Any = None) -> Any:
        return self.api(request).write("POST", self.get_api_path(request, webhook) + path, body)

    def _back(self, object_id: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:customers_webhook_change", args=[object_id]))

    def _secret_page(self, request: HttpRequest, webhook: Any, reply: Any) -> TemplateResponse:
        context = self.admin_site.each_context(request) | {
            "title": str(webhook), "heading": _("The secret"), "secret": reply.json["secret"],
            "opts": self.opts,
        }  # fmt: skip
        return TemplateResponse(request, "admin/secret.html", context)


def _displayed_update(update: Update) -> dict[str, Any]:
    """Return what the preview shows of an update: its words, its customer, and the JSON sent."""
    entity = update["entity"]
    is_gone = update["operation"] == ChangeOperation.DELETE
    is_gone &= entity["type"] == ChangeEntity.CUSTOMER
    return {
        "offset": update["offset"],
        "entity": ENTITIES[entity["type"]],
        "operation": OPERATIONS[update["operation"]],
        "customer_id": None if is_gone else customer_of(update),
        "sent": json.dumps(entity["data"], ensure_ascii=False, indent=1),
    }
