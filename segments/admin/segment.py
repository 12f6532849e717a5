"""Segments: list, form with the rule builder, and a page with sizes by day and changes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from analytics.admin.charts import daily_chart, localized
from configuration.models import Node
from contacthub_project.admin.api_form import ApiModelForm
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.model_admin import WORKSPACE, WorkspaceModelAdmin
from contacthub_project.admin.pages.customer_query import parameters_of_ids
from contacthub_project.admin.person_name import display_name
from contacthub_project.admin.saving import SavesThroughApi
from customers.admin.rule_field import RulesField, RulesWidget, is_buildable
from segments.models import Segment, SegmentKind, SegmentState
from segments.models.segment import SegmentQuerySet

SEGMENTS = WORKSPACE + "/segments"
SEGMENT = SEGMENTS + "/{segmentId}"
DAYS = 60
SHOWN = 20

STATES = {
    SegmentState.READY.value: _("ready"),
    SegmentState.BUILDING.value: _("building"),
    SegmentState.BROKEN.value: _("broken"),
}


class SegmentForm(ApiModelForm):
    """A segment; its query is built by the rule builder, or entered as JSON of the API."""

    node = forms.ModelChoiceField(
        label=_("Node"),
        queryset=Node.objects.none(),
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    tag_words = forms.CharField(
        label=_("Tags"),
        required=False,
        help_text=_("Separated by commas."),
        widget=UnfoldAdminTextInputWidget(),
    )
    rules = RulesField(label=_("Rules"))
    query_text = forms.CharField(
        label=_("Query"),
        required=False,
        help_text=_("These rules are more than the builder shows; this is the API's query."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 12}),
    )
    pointers = {"/tags": "tag_words", "/query": "rules", "/nodeId": "node", "/type": "kind"}

    class Meta:
        model = Segment
        fields = ("name", "description", "owner", "kind")
        labels = {"kind": _("Members are")}
        widgets = {
            "kind": UnfoldAdminRadioSelectWidget(),
            "description": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        segment, office = self.instance, self.office
        is_new = segment._state.adding
        self.is_written = not is_buildable(segment.query)
        self.fields["rules"].widget = RulesWidget(office, is_counted=True)
        node: Any = self.fields["node"]
        node.queryset = Node.objects.in_workspace(office.workspace_id).filter(
            id__in=[each["id"] for each in office.nodes]
        )
        if not is_new:
            node.widget = forms.HiddenInput()
        self.initial["tag_words"] = ", ".join(segment.tags)
        self.initial["node"] = segment.node_id or (office.node or {}).get("id")
        self.initial["rules"] = segment.query
        self.initial["query_text"] = json.dumps(segment.query, indent=1)
        if is_new:
            self.initial["kind"] = SegmentKind.DYNAMIC.value
            self.fields["kind"].choices = [  # type: ignore[attr-defined]
                (SegmentKind.DYNAMIC.value, _("those who match the rules")),
                (SegmentKind.STATIC.value, _("those on a list")),
            ]
        if is_new or not self.is_written:
            del self.fields["query_text"]
        if not is_new and (self.is_written or segment.kind == SegmentKind.STATIC):
            del self.fields["rules"]

    def clean_query_text(self) -> Any:
        """Return the written query."""
        try:
            return json.loads(self.cleaned_data["query_text"])
        except (ValueError, RecursionError):
            raise forms.ValidationError(gettext("This is no JSON.")) from None


@admin.register(Segment)
class SegmentAdmin(SavesThroughApi, WorkspaceModelAdmin):
    """Saved groups of customers."""

    operations = {
        "view": ("GET", SEGMENTS),
        "add": ("POST", SEGMENTS),
        "change": ("PUT", SEGMENT),
        "delete": ("DELETE", SEGMENT),
    }
    api_path = "/segments"
    form = SegmentForm
    change_form_template = "admin/segments/segment.html"
    list_display = ("name", "shown_size", "shown_state", "shown_kind", "shown_tags", "updated_at")
    list_display_links = ("name",)
    list_filter = (("kind", ChoicesDropdownFilter), ("state", ChoicesDropdownFilter))
    search_fields = ("name", "description")
    search_help_text = _("Name or description")
    ordering = ("name", "id")

    def get_queryset(self, request: HttpRequest) -> SegmentQuerySet:
        """Return the segments that are not deleted, of nodes that the person may read."""
        segments: SegmentQuerySet = super().get_queryset(request)  # type: ignore[assignment]
        return segments.kept()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the parts of the form; which there are depends on how members are found."""
        if obj is not None and not self.has_change_permission(request, obj):
            return [(None, {"fields": ("name", "description", "owner", "tags", "query")})]
        own = ("name", "description", "owner", "tag_words")
        if obj is not None and obj.kind == SegmentKind.STATIC:
            return [(None, {"fields": (*own, "node")})]
        if obj is None:
            rules: tuple[str, ...] = ("node", "kind", "rules")
        else:
            rules = ("node", "rules" if is_buildable(obj.query) else "query_text")
        return [(None, {"fields": own}), (_("Who is in it"), {"fields": rules})]

    def get_api_body(self, request: HttpRequest, form: Any, current: Any) -> dict[str, Any]:
        values = form.cleaned_data
        words = [each.strip() for each in values["tag_words"].split(",")]
        body: dict[str, Any] = {
            "name": values["name"],
            "description": values["description"],
            "owner": values["owner"],
            "tags": [each for each in words if each],
        }
        if current is None:
            body |= {"nodeId": str(values["node"].id if values["node"] else "")}
            body["type"] = values["kind"]
        if "rules" in values and values.get("kind") != SegmentKind.STATIC:
            body["query"] = values["rules"]
        elif "query_text" in values:
            body["query"] = values["query_text"]
        return (current or {}) | body

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Show the form, and of a segment that is there how it is."""
        segment = kwargs.get("obj")
        office = self.office(request)
        if segment is not None and office is not None:
            context |= self._facts(office, segment)
        response: HttpResponseBase = super().render_change_form(request, context, *args, **kwargs)
        return response

    def _facts(self, office: WorkspaceContext, segment: Segment) -> dict[str, Any]:
        """Return count, chart, members and changes of a segment, as the API tells them."""
        path = f"/segments/{segment.id}"
        count = office.get(f"{path}/count")
        days = office.get(f"{path}/history", {"days": DAYS})["days"]
        series = [{"datetime": each["day"], "value": str(each["size"])} for each in days]
        members = office.get(f"{path}/customers", {"size": SHOWN})["elements"]
        changes = office.get(f"{path}/changes", {"size": SHOWN})["elements"]
        names = _names(office, segment, {each["customerId"] for each in changes})
        return {
            "office": office,
            "segment": segment,
            "count": count,
            "chart": daily_chart(
                gettext("Size"), series, [], total=localized(count["count"]), is_current=False
            ),
            "members": [each | {"name": display_name(each)} for each in members],
            "changes": [
                each
                | {
                    "name": names.get(each["customerId"], each["customerId"]),
                    "at": datetime.fromisoformat(each["date"]).astimezone(office.zone),
                }
                for each in changes
            ],
        }

    @display(description=_("Customers"), ordering="size")
    def shown_size(self, segment: Segment) -> str:
        return localized(segment.size)

    @display(
        description=_("State"), ordering="state",
        label={"ready": "success", "building": "info", "broken": "danger"},
    )  # fmt: skip
    def shown_state(self, segment: Segment) -> tuple[str, str]:
        return segment.state.lower(), str(STATES[segment.state])

    @display(description=_("Members are"), ordering="kind")
    def shown_kind(self, segment: Segment) -> str:
        return (
            gettext("on a list")
            if segment.kind == SegmentKind.STATIC
            else gettext("who match the rules")
        )

    @display(description=_("Tags"))
    def shown_tags(self, segment: Segment) -> str:
        return ", ".join(segment.tags)


def _names(office: WorkspaceContext, segment: Segment, ids: set[str]) -> dict[str, str]:
    """Return the names of those of the customers that are there, by their ids."""
    if not ids:
        return {}
    in_node = {"nodeId": str(segment.node_id), "size": SHOWN}
    found = office.get("/customers", in_node | parameters_of_ids(sorted(ids)))["elements"]
    return {each["id"]: display_name(each) for each in found}
