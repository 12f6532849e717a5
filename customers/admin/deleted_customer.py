"""Deleted people in the back-office: found, and restored until they are erased."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RangeDateTimeFilter
from unfold.decorators import action, display

from configuration.actions.access_log import record_access
from configuration.models import Node
from configuration.queries.rules import WorkspaceRules, rules_of
from contacthub_project.admin.confirmation import Confirmation
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.model_admin import WORKSPACE, WorkspaceModelAdmin
from contacthub_project.admin.person_name import display_name
from contacthub_project.admin.saving import failure_text
from contacthub_project.api.operations import contract
from contacthub_project.core.identifiers import as_uuid
from customers.admin.value_search import EMAIL, SearchedByValue
from customers.models import DeletedCustomer
from customers.models.customer import CustomerQuerySet

DELETED = WORKSPACE + "/data-protection/deleted-customers"
LOOK = ("GET", WORKSPACE + "/data-protection/customers/{customerId}")
LIST = "admin:customers_deletedcustomer_changelist"


class NodeFilter(DropdownFilter):
    """The nodes that the person may read."""

    title = _("Node")
    parameter_name = "node"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        office = model_admin.office(request)
        if office is None:
            return []
        nodes = Node.objects.in_workspace(office.workspace_id).order_by("name")
        readable = nodes.readable_by(model_admin.principal(request))
        return [(str(key), name) for key, name in readable.values_list("id", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(node_id=as_uuid(self.value())) if self.value() else queryset


@admin.register(DeletedCustomer)
class DeletedCustomerAdmin(SearchedByValue, WorkspaceModelAdmin):
    """People who are not erased yet, the last deleted first; the audit log has who listed them."""

    operations = {
        "view": ("GET", DELETED),
        "restore": ("POST", WORKSPACE + "/customers/{customerId}/restore"),
    }
    list_display = (
        "displayed_name", "displayed_email", "displayed_node", "displayed_deleted",
        "displayed_erased",
    )  # fmt: skip
    list_display_links = ("displayed_name",)
    list_filter = (NodeFilter, ("updated_at", RangeDateTimeFilter))
    list_filter_submit = True
    list_select_related = ("node",)
    date_hierarchy = "updated_at"
    ordering = ("-updated_at", "-id")
    sortable_by = ("displayed_deleted",)
    actions = ("restore_chosen",)
    actions_detail = ("restore",)

    def has_restore_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the person may restore somebody."""
        return self.may(request, "restore")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Return the columns; whoever may restore somebody has a link for it in each row."""
        may_restore = self.has_restore_permission(request)
        return (*self.list_display, "restore_link") if may_restore else self.list_display

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeletedCustomer]:
        """Return deleted customers of nodes that are there, those of the form if there is one."""
        customers, rules = super().get_queryset(request), self._rules(request)
        if rules is None:
            return customers.none()
        assert isinstance(customers, CustomerQuerySet)
        customers = customers.deleted_in(rules.id, list(rules.nodes))
        sought = self.sought(request)
        if sought is not None:
            by, text = sought
            customers = (
                customers.with_any_email(text) if by == EMAIL else customers.with_external_id(text)
            )
        return customers  # type: ignore[return-value]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Show the list, and record that it was looked at."""
        page = super().changelist_view(request, extra_context)
        listed = getattr(page, "context_data", {}).get("cl")
        office, rules = self.office(request), self._rules(request)
        if listed is not None and office is not None and rules is not None:
            for each in listed.result_list:
                each.erased_from = each.updated_at + timedelta(days=rules.deleted_days)
            self._record(office, [str(each.pk) for each in listed.result_list])
        return page

    def _record(self, office: WorkspaceContext, keys: list[str]) -> None:
        record_access(
            user_id=office.user.id,
            workspace_id=office.workspace_id,
            method="GET",
            path=f"{office.path}/data-protection/deleted-customers",
            summary=contract()[DELETED]["GET"].summary,
            keys=keys,
        )

    def _rules(self, request: HttpRequest) -> WorkspaceRules | None:
        office = self.office(request)
        return None if office is None else rules_of(office.workspace_id)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        """Redirect to what is held of the person; whoever may not see it is asked to restore."""
        customer, office = self._found(request, object_id)
        if office.api.may(*LOOK):
            return office.go("privacy-person", customer_id=customer.pk)
        restore = reverse("admin:customers_deletedcustomer_restore", args=[customer.pk])
        return HttpResponseRedirect(restore)

    @action(description=_("Restore"), icon="restore_from_trash", permissions=["restore"])
    def restore(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Confirm, then restore the person."""
        customer, office = self._found(request, object_id)
        name = display_name(_document(customer))
        confirmation = Confirmation(
            title=gettext("Restore {name}?").format(name=name),
            what=gettext("The person is in the lists again, with events and sessions."),
            action=gettext("Restore"),
            is_dangerous=False,
        )
        page = confirmation.page(request, self, None)
        if page is not None:
            return page
        if self._restore(request, office, customer):
            text = gettext("The person is there again, with events and sessions.")
            messages.success(request, text)
        return HttpResponseRedirect(reverse(LIST))

    @admin.action(description=_("Restore"), permissions=["restore"])
    def restore_chosen(self, request: HttpRequest, queryset: QuerySet[DeletedCustomer]) -> None:
        """Restore the ticked people."""
        office = self.office(request)
        if office is not None:
            done = sum(self._restore(request, office, customer) for customer in queryset)
            messages.success(request, gettext("{count} restored.").format(count=done))

    def _restore(
        self, request: HttpRequest, office: WorkspaceContext, customer: DeletedCustomer
    ) -> bool:
        """Restore somebody, or tell why not; return whether it was done."""
        reply = office.api.write("POST", f"{office.path}/customers/{customer.pk}/restore")
        if not reply.is_good:
            name = display_name(_document(customer))
            messages.error(request, format_html("{}: {}", name, failure_text(request, reply)))
        return reply.is_good

    def _found(
        self, request: HttpRequest, object_id: str
    ) -> tuple[DeletedCustomer, WorkspaceContext]:
        """Return a deleted customer that the person may see; raises Http404."""
        is_allowed = self.has_view_permission(request)
        customer = self.get_object(request, object_id) if is_allowed else None
        office = self.office(request)
        if customer is None or office is None:
            raise Http404
        return customer, office

    @display(description=_("Name"))
    def displayed_name(self, customer: DeletedCustomer) -> str:
        return display_name(_document(customer))

    @display(description=_("E-mail"))
    def displayed_email(self, customer: DeletedCustomer) -> str:
        return (customer.base.get("contacts") or {}).get("email") or ""

    @display(description=_("Node"))
    def displayed_node(self, customer: DeletedCustomer) -> str:
        return customer.node.name

    @display(description=_("Deleted"), ordering="updated_at")
    def displayed_deleted(self, customer: DeletedCustomer) -> str:
        return localize(timezone.localtime(customer.updated_at))

    @display(description=_("Erased from"))
    def displayed_erased(self, customer: DeletedCustomer) -> str:
        return localize(timezone.localtime(customer.erased_from))  # type: ignore[attr-defined]

    @display(description=_("Restore"))
    def restore_link(self, customer: DeletedCustomer) -> SafeString:
        address = reverse("admin:customers_deletedcustomer_restore", args=[customer.pk])
        return format_html('<a class="underline" href="{}">{}</a>', address, gettext("Restore"))


def _document(customer: DeletedCustomer) -> dict[str, Any]:
    """Return what a person's name is made of."""
    return {
        "base": customer.base, "externalId": customer.external_id, "id": str(customer.pk),
    }  # fmt: skip
