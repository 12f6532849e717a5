"""Nodes: list and creation. What a node is, is changed on the node's own page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import BigIntegerField, Case, QuerySet, Value, When
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from configuration.models import Node, NodeState, NodeType
from contacthub_project.admin.api_form import ApiModelForm
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.model_admin import WORKSPACE, WorkspaceModelAdmin
from contacthub_project.admin.saving import SavesThroughApi, failure_text

NODES = WORKSPACE + "/configuration/nodes"
TYPES = {NodeType.ENTRY.value: _("entry"), NodeType.AGGREGATE.value: _("aggregate")}
PATHS = {NodeType.ENTRY.value: "entries", NodeType.AGGREGATE.value: "aggregates"}
STATES = {
    NodeState.ACTIVE.value: _("active"),
    NodeState.NEW.value: _("not built"),
    NodeState.LOCKED.value: _("being built"),
    NodeState.REMOVED.value: _("being removed"),
}
COLOURS = {
    NodeState.ACTIVE.value: "success",
    NodeState.NEW.value: "warning",
    NodeState.LOCKED.value: "info",
    NodeState.REMOVED.value: "danger",
}


class NodeForm(ApiModelForm):
    """A new node."""

    type = forms.ChoiceField(
        label=_("Kind"),
        choices=[
            (NodeType.ENTRY.value, _("Entry node: customers and events go here")),
            (NodeType.AGGREGATE.value, _("Aggregate node: one person across several entry nodes")),
        ],
        widget=UnfoldAdminSelectWidget(),
    )
    properties = forms.CharField(
        label=_("Recognises people by"),
        help_text=_("Properties such as base.contacts.email, separated by commas."),
        initial="base.contacts.email",
        widget=UnfoldAdminTextInputWidget(),
        required=False,
    )
    case_sensitive = forms.BooleanField(
        label=_("Upper and lower case differ"), required=False, widget=UnfoldBooleanSwitchWidget()
    )
    entry_nodes = forms.ModelMultipleChoiceField(
        label=_("Of these entry nodes"),
        help_text=_("Of aggregate nodes only."),
        queryset=Node.objects.none(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    pointers = {
        "/uniqueCustomer": "properties",
        "/matchingProperties": "properties",
        "/entryNodes": "entry_nodes",
    }

    class Meta:
        model = Node
        fields = ("name", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        entries: Any = self.fields["entry_nodes"]
        entries.queryset = Node.objects.in_workspace(self.office.workspace_id).entries()

    def _post_clean(self) -> None:
        """Leave the instance as it is: the API makes the node."""


@admin.register(Node)
class NodeAdmin(SavesThroughApi, WorkspaceModelAdmin):
    """Nodes of the workspace; a row leads to the page on which the node is changed."""

    operations = {
        "view": ("GET", NODES),
        "add": ("POST", NODES + "/entries"),
        "change": ("PUT", NODES + "/entries/{nodeId}"),
    }
    form = NodeForm
    list_display = (
        "name", "displayed_type", "displayed_state", "displayed_customers",
        "displayed_recognition", "description", "created_at",
    )  # fmt: skip
    list_display_links = ("name",)
    list_filter = (
        ("type", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        "retention_enabled",
        ("created_at", RangeDateTimeFilter),
    )
    list_filter_submit = True
    search_fields = ("name", "description", "=id")
    search_help_text = _("Name, description or id")
    ordering = ("name", "id")
    actions = ("build",)
    fieldsets = (
        (None, {"fields": ("type", "name", "description")}),
        (_("How people are recognised"), {"fields": ("properties", "case_sensitive")}),
        (_("Aggregate"), {"fields": ("entry_nodes",)}),
    )

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        return self.list_display_links if self.has_change_permission(request) else None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the nodes that the person may read, with the number of their customers."""
        nodes: Any = super().get_queryset(request)
        office = self.office(request)
        if office is None:
            return nodes  # type: ignore[no-any-return]
        readable: QuerySet[Any] = nodes.readable_by(self.principal(request))
        readable = readable.annotate(customers=_customers(request, office))
        return readable

    def get_api_path(self, request: HttpRequest, obj: Any = None) -> str:
        office = self.office(request)
        assert office is not None, "without a workspace the form is refused"
        kind = obj.type if obj is not None else request.POST.get("type", NodeType.ENTRY.value)
        path = f"{office.path}/configuration/nodes/{PATHS[kind]}"
        return path if obj is None else f"{path}/{obj.pk}"

    def get_api_body(self, request: HttpRequest, form: Any, current: Any) -> dict[str, Any]:
        given = form.cleaned_data
        named = [each.strip() for each in given["properties"].split(",")]
        policy = {
            "properties": [each for each in named if each],
            "caseSensitive": given["case_sensitive"],
        }
        body = {"name": given["name"], "description": given["description"] or None}
        if given["type"] == NodeType.ENTRY:
            return body | {"uniqueCustomer": policy}
        entries = [str(node.pk) for node in given["entry_nodes"]]
        return body | {"entryNodes": entries, "matchingProperties": policy}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponseBase:
        """Lead to the node's page."""
        node, office = self.get_object(request, object_id), self.office(request)
        if node is None or office is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[no-any-return]
        page = "node" if node.type == NodeType.ENTRY else "aggregate-node"
        return HttpResponseRedirect(office.url(page, node_id=node.pk))

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponseBase:
        messages.success(request, _now("The node is there."))
        return HttpResponseRedirect(reverse("admin:configuration_node_changelist"))

    @admin.action(description=_("Build aggregate nodes"), permissions=["change"])
    def build(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Start to build the chosen aggregate nodes."""
        begun = 0
        for node in queryset.filter(type=NodeType.AGGREGATE):
            path = f"{self.get_api_path(request, node)}/state"
            reply = self.api(request).write("PUT", path, {"state": NodeState.ACTIVE.value})
            if reply.is_good:
                begun += 1
            else:
                messages.error(
                    request, format_html("{}: {}", str(node), failure_text(request, reply))
                )
        messages.success(request, _now("%s being built.") % begun)

    @display(description=_("Kind"), ordering="type")
    def displayed_type(self, node: Any) -> Any:
        return TYPES[node.type]

    @display(description=_("State"), ordering="state", label=COLOURS)
    def displayed_state(self, node: Any) -> Any:
        return node.state, STATES[node.state]

    @display(description=_("Customers"), ordering="customers")
    def displayed_customers(self, node: Any) -> str:
        return number_format(node.customers, force_grouping=True)

    @display(description=_("Recognises people by"))
    def displayed_recognition(self, node: Any) -> str:
        return ", ".join(node.unique_properties)


def _customers(request: HttpRequest, office: WorkspaceContext) -> Case:
    """Return the number of each node's customers as an expression, read once a request."""
    if not hasattr(request, "customers_of_nodes"):
        totals = {each["id"]: each["customers"] for each in office.everything("/stats/nodes")}
        request.customers_of_nodes = totals  # type: ignore[attr-defined]
    known = request.customers_of_nodes  # type: ignore[attr-defined]
    cases = [When(id=node, then=Value(count)) for node, count in known.items()]
    return Case(*cases, default=Value(0), output_field=BigIntegerField())
