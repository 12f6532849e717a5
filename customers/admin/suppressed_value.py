"""Suppressed values of forgotten people in the back-office: the list, and lifting one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from configuration.models import Node
from configuration.queries.rules import rules_of
from contacthub_project.admin.confirmation import Confirmation
from contacthub_project.admin.model_admin import WORKSPACE, WorkspaceModelAdmin
from contacthub_project.admin.saving import failure_text
from customers.admin.value_search import EMAIL, SearchedByValue
from customers.models import SuppressedKind, SuppressedValue
from customers.models.suppression import LONGEST_REASON
from customers.queries.suppressions import hashes_of_value

SUPPRESSIONS = WORKSPACE + "/data-protection/suppressions"
LIST = "admin:customers_suppressedvalue_changelist"
SHOWN_OF_HASH = 12


class StateFilter(DropdownFilter):
    """Values that are still recognised, or that were lifted."""

    title = _("State")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("IN_FORCE", _("in force")), ("LIFTED", _("lifted"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {"IN_FORCE", "LIFTED"}:
            return queryset
        return queryset.filter(lifted_at__isnull=self.value() == "IN_FORCE")


class LiftForm(forms.Form):
    """Why a value may come back."""

    reason = forms.CharField(
        label=_("Why it may come back"),
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )


@admin.register(SuppressedValue)
class SuppressedValueAdmin(SearchedByValue, WorkspaceModelAdmin):
    """Hashes of all nodes, the latest first, as privacy officers reach them."""

    operations = {
        "view": ("GET", SUPPRESSIONS),
        "lift": ("POST", SUPPRESSIONS + "/{suppressionId}/lift"),
    }
    list_display = (
        "created_at", "kind", "displayed_hash", "displayed_node", "displayed_returns",
        "displayed_state", "lift_reason",
    )  # fmt: skip
    list_display_links = ("created_at",)
    list_filter = (
        StateFilter,
        ("kind", ChoicesDropdownFilter),
        ("created_at", RangeDateTimeFilter),
    )
    list_filter_submit = True
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    actions_detail = ("lift",)
    fields = (
        "created_at", "kind", "displayed_whole_hash", "displayed_node", "displayed_receipt",
        "displayed_returns", "displayed_state", "lifted_at", "lift_reason",
    )  # fmt: skip

    def has_lift_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the person may lift suppressions."""
        return self.may(request, "lift")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Return the columns; whoever may lift a value has a link for it in each row."""
        may_lift = self.has_lift_permission(request)
        return (*self.list_display, "lift_link") if may_lift else self.list_display

    def get_queryset(self, request: HttpRequest) -> QuerySet[SuppressedValue]:
        """Return the workspace's values, those of the form if there is one."""
        office = self.office(request)
        if office is None:
            return SuppressedValue.objects.none()
        values = SuppressedValue.objects.in_workspace(office.workspace_id)
        sought, rules = self.sought(request), rules_of(office.workspace_id)
        if sought is not None and rules is not None:
            by, text = sought
            kind = SuppressedKind.EMAIL if by == EMAIL else SuppressedKind.EXTERNAL_ID
            values = values.with_hashes(hashes_of_value(rules, kind, text)).filter(kind=kind)
        node = Node.objects.filter(workspace_id=OuterRef("workspace_id"), id=OuterRef("node_id"))
        return values.annotate(node_name=Subquery(node.order_by().values("name")[:1]))

    @action(description=_("Lift"), icon="lock_open", permissions=["lift"])
    def lift(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Ask why the value may come back, then lift it."""
        value, office = self.get_object(request, object_id), self.office(request)
        if value is None or office is None:
            raise Http404
        form = LiftForm(request.POST or None)
        confirmation = Confirmation(
            title=gettext("Lift the suppression?"),
            what=gettext("{value} may come back from now on.").format(value=value),
            action=gettext("Lift"),
            form=form,
            is_dangerous=False,
        )
        page = confirmation.page(request, self, value)
        if page is not None:
            return page
        path = f"{office.path}/data-protection/suppressions/{value.pk}/lift"
        reply = office.api.write("POST", path, {"reason": form.cleaned_data["reason"]})
        if reply.is_good:
            messages.success(request, gettext("The value may come back from now on."))
        else:
            messages.error(request, failure_text(request, reply))
        return HttpResponseRedirect(reverse(LIST))

    @display(description=_("Hash"))
    def displayed_hash(self, value: SuppressedValue) -> SafeString:
        return format_html(
            '<code class="whitespace-nowrap">{}…</code>', bytes(value.hash).hex()[:SHOWN_OF_HASH]
        )

    @display(description=_("Hash"))
    def displayed_whole_hash(self, value: SuppressedValue) -> SafeString:
        return format_html("<code>{}</code>", bytes(value.hash).hex())

    @display(description=_("Where"))
    def displayed_node(self, value: SuppressedValue) -> str:
        if value.node_id is None:
            return gettext("all nodes")
        return value.node_name or str(value.node_id)  # type: ignore[attr-defined]

    @display(description=_("Came back"), ordering="returned_at")
    def displayed_returns(self, value: SuppressedValue) -> str:
        if value.returned_at is None:
            return ""
        returned = localize(timezone.localtime(value.returned_at))
        return f"{value.returns} \N{MULTIPLICATION SIGN} {returned}"

    @display(
        description=_("State"), ordering="lifted_at",
        label={"IN_FORCE": "info", "LIFTED": "success"},
    )  # fmt: skip
    def displayed_state(self, value: SuppressedValue) -> tuple[str, str]:
        if value.lifted_at is None:
            return "IN_FORCE", gettext("in force")
        return "LIFTED", gettext("lifted")

    @display(description=_("Lift"))
    def lift_link(self, value: SuppressedValue) -> str:
        if value.lifted_at is not None:
            return ""
        address = reverse("admin:customers_suppressedvalue_lift", args=[value.pk])
        return format_html('<a class="underline" href="{}">{}</a>', address, gettext("Lift"))

    @display(description=_("Receipt"))
    def displayed_receipt(self, value: SuppressedValue) -> SafeString:
        address = reverse("admin:customers_erasurereceipt_change", args=[value.receipt_id])
        return format_html('<a class="underline" href="{}">{}</a>', address, gettext("receipt"))
