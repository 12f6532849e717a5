"""The quarantine: counts of refused data by reason, and examples to correct and replay."""

from __future__ import annotations

import json
from collections import Counter
from copy import copy
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from contacthub_project.admin.confirmation import Confirmation
from contacthub_project.admin.model_admin import WORKSPACE, WorkspaceModelAdmin
from contacthub_project.admin.saving import failure_text
from contacthub_project.core.errors import Invalid
from contacthub_project.core.merge_patch import patch_between
from contacthub_project.core.strict_json import parse_json
from contacthub_project.core.text import humanized
from customers.models import QuarantinedRequest

QUARANTINE = WORKSPACE + "/quarantine"
MOST_REPLAYED = 100
PERCENT = 100


class MendForm(forms.Form):
    """The corrected body to replay."""

    body = forms.CharField(
        label=_("What is sent"),
        help_text=_("JSON; change what was wrong."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 20, "class": "font-mono"}),
    )
    dry_run = forms.BooleanField(
        label=_("Only try it"),
        help_text=_("Tells what would become of it, and keeps nothing."),
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
    )

    def clean_body(self) -> dict[str, Any]:
        """Return the object; raises ValidationError for anything else."""
        try:
            found = parse_json(self.cleaned_data["body"].encode("utf-8", "surrogatepass"))
        except Invalid as invalid:
            raise forms.ValidationError(invalid.message) from None
        if not isinstance(found, dict):
            raise forms.ValidationError(_("must be an object"))
        return found


class NamedChoicesFilter(ChoicesDropdownFilter):
    """Filters by the values of a field that has no labels: they are shown in words."""

    def __init__(self, field: Any, *args: Any, **options: Any) -> None:
        named = copy(field)
        named.choices = [(value, reason_name(value)) for value, _label in field.flatchoices]
        super().__init__(named, *args, **options)


@admin.register(QuarantinedRequest)
class QuarantinedRequestAdmin(WorkspaceModelAdmin):
    """The last examples of refused data, and the counts of the last week."""

    operations = {"view": ("GET", QUARANTINE), "replay": ("POST", QUARANTINE + "/replay")}
    list_display = (
        "refused_at", "displayed_entity", "type", "displayed_reason", "message",
        "displayed_origin", "displayed_state",
    )  # fmt: skip
    list_display_links = ("refused_at",)
    list_filter = (
        ("entity", NamedChoicesFilter),
        ("reason", NamedChoicesFilter),
        ("origin", NamedChoicesFilter),
    )
    list_filter_submit = True
    search_fields = ("body",)
    search_help_text = _("What was sent")
    ordering = ("-refused_at", "-id")
    sortable_by = ("refused_at",)
    list_before_template = "admin/customers/quarantinedrequest/refusals.html"
    fields = (
        "refused_at", "displayed_entity", "type", "displayed_reason", "message",
        "displayed_errors", "displayed_body", "displayed_origin", "source_id", "node_id",
        "replayed_at", "entity_id",
    )  # fmt: skip
    actions = ("send_again",)
    actions_detail = ("mend",)

    def has_replay_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the person may send again what was refused."""
        return self.may(request, "replay")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Show how much was refused, by reason, above the examples."""
        context = {"refusals": self._refusals(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    def _refusals(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Return the sums of the last week, the largest first."""
        office = self.office(request)
        if office is None:
            return []
        reply = office.api.get(f"/workspaces/{office.workspace_id}/refusals")
        sums: Counter[str] = Counter()
        for each in reply.json.get("elements", ()):
            sums[each["reason"]] += each["count"]
        most = max(sums.values(), default=1)
        return [
            {
                "label": reason_name(reason),
                "value": number_format(count, force_grouping=True),
                "percent": max(1, count * PERCENT // most),
                "address": f"?reason__exact={reason}",
            }
            for reason, count in sums.most_common()
        ]

    @action(description=_("Mend and send again"), icon="build", permissions=["replay"])
    def mend(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Show what was sent to be changed, then send it again and tell what becomes of it."""
        example, office = self.get_object(request, object_id), self.office(request)
        if example is None or office is None:
            raise Http404
        form = MendForm(request.POST or None, initial={"body": _pretty(example.body)})
        confirmation = Confirmation(
            title=gettext("Send it again?"),
            what=gettext("It was refused: {message}").format(message=example.message),
            action=gettext("Send"),
            form=form,
            is_dangerous=False,
        )
        page = confirmation.page(request, self, example)
        if page is not None:
            return page
        before = _parsed(example.body)
        body = {
            "patch": patch_between(before, form.cleaned_data["body"]),
            "dryRun": form.cleaned_data["dry_run"],
        }
        path = f"/workspaces/{office.workspace_id}/quarantine/{example.id}/replay"
        reply = office.api.write("POST", path, body)
        if not reply.is_good:
            messages.error(request, failure_text(request, reply))
        elif reply.json["outcome"] == "REFUSED":
            faults = [f"{each['path']} {each['message']}" for each in reply.json["errors"]]
            form.add_error("body", "; ".join([reply.json["message"], *faults]))
            return confirmation.page(request, self, example) or self._back(object_id)
        elif reply.json["dryRun"] and reply.json["entityId"] is None:
            messages.success(request, _("It would be accepted. Nothing was kept."))
            again = MendForm(initial={"body": request.POST["body"]})
            confirmation = replace(confirmation, form=again)
            return confirmation.page(request, self, example) or self._back(object_id)
        else:
            messages.success(request, _("It was accepted."))
        return self._back(object_id)

    def _back(self, object_id: str) -> HttpResponseRedirect:
        address = reverse("admin:customers_quarantinedrequest_change", args=[object_id])
        return HttpResponseRedirect(address)

    @admin.action(description=_("Send again"), permissions=["replay"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[QuarantinedRequest]) -> None:
        """Send the ticked examples again as they were."""
        office = self.office(request)
        ids = [str(each) for each in queryset.values_list("id", flat=True)[:MOST_REPLAYED]]
        if office is None or not ids:
            return
        path = f"/workspaces/{office.workspace_id}/quarantine/replay"
        reply = office.api.write("POST", path, {"ids": ids})
        if not reply.is_good:
            messages.error(request, failure_text(request, reply))
            return
        outcomes = Counter(each["outcome"] for each in reply.json["elements"])
        text = gettext("{accepted} accepted, {refused} refused again.").format(
            accepted=outcomes["ACCEPTED"], refused=outcomes["REFUSED"]
        )
        (messages.warning if outcomes["REFUSED"] else messages.success)(request, text)

    @display(description=_("Reason"), ordering="reason")
    def displayed_reason(self, example: QuarantinedRequest) -> str:
        return reason_name(example.reason)

    @display(description=_("What was refused"), ordering="entity")
    def displayed_entity(self, example: QuarantinedRequest) -> str:
        return gettext(humanized(example.entity))

    @display(description=_("Sent in"), ordering="origin")
    def displayed_origin(self, example: QuarantinedRequest) -> str:
        return gettext(humanized(example.origin))

    @display(description=_("State"), label={"refused": "danger", "accepted": "success"})
    def displayed_state(self, example: QuarantinedRequest) -> tuple[str, str]:
        return (
            ("refused", gettext("refused"))
            if example.replayed_at is None
            else ("accepted", gettext("accepted"))
        )

    @display(description=_("Errors"))
    def displayed_errors(self, example: QuarantinedRequest) -> str:
        return "; ".join(f"{each['path']} {each['message']}" for each in example.errors) or gettext(
            "none"
        )

    @display(description=_("What was sent"))
    def displayed_body(self, example: QuarantinedRequest) -> str:
        return format_html(
            '<pre class="overflow-x-auto whitespace-pre-wrap break-all">{}</pre>',
            _pretty(example.body),
        )


def reason_name(reason: str) -> str:
    """Return a reason in words: `UNKNOWN_CUSTOMER` as `Unknown customer`."""
    return gettext(humanized(reason))


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _pretty(body: str) -> str:
    found = _parsed(body)
    return body if found is None else json.dumps(found, indent=2, ensure_ascii=False)
