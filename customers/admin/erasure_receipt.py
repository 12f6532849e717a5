"""Receipts of erasures in the back-office: the list, and each as a page to print."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from contacthub_project.admin.model_admin import WORKSPACE, WorkspaceModelAdmin
from contacthub_project.admin.pages.privacy_display import labelled_counts, node_names
from contacthub_project.core.identifiers import as_uuid
from customers.models import ErasureReceipt
from customers.models.erasure_receipt import ErasureReceiptQuerySet
from customers.queries.receipts import receipt_response

RECEIPTS = WORKSPACE + "/data-protection/receipts"
FACTS = (
    "number", "displayed_moment", "cause", "scope", "displayed_author", "displayed_customers",
    "displayed_counts",
)  # fmt: skip
LARGEST_NUMBER = 2**63 - 1  # of the column


@admin.register(ErasureReceipt)
class ErasureReceiptAdmin(WorkspaceModelAdmin):
    """The chain of receipts of the workspace, latest first; none can be changed."""

    operations = {"view": ("GET", RECEIPTS)}
    list_display = ("number", "moment", "cause", "displayed_size", "scope")
    list_display_links = ("number", "moment")
    list_filter = (
        ("cause", ChoicesDropdownFilter),
        ("scope", ChoicesDropdownFilter),
        ("moment", RangeDateTimeFilter),
    )
    list_filter_submit = True
    date_hierarchy = "moment"
    search_fields = ("number",)
    search_help_text = _("Number of a receipt, or id of a customer")
    ordering = ("-number",)
    sortable_by = ("number", "moment")
    change_form_template = "admin/customers/erasurereceipt.html"
    fieldsets = (
        (None, {"fields": FACTS}),
        (_("Proof"), {"fields": ("id", "displayed_hash", "displayed_previous_hash")}),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find a receipt by its number, and those of a customer by their id."""
        words, receipts = search_term.strip(), queryset
        assert isinstance(receipts, ErasureReceiptQuerySet)
        if not words:
            return receipts, False
        customer_id = as_uuid(words)
        if customer_id is not None:
            return receipts.of_customer(customer_id), False
        number = int(words) if words.isascii() and words.isdecimal() and len(words) < 20 else 0
        is_known = 0 < number <= LARGEST_NUMBER
        return receipts.filter(number=number) if is_known else receipts.none(), False

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> ErasureReceipt | None:
        """Return a receipt with the names of the workspace's nodes."""
        receipt: ErasureReceipt | None = super().get_object(request, object_id, from_field)
        office = self.office(request)
        if receipt is not None and office is not None:
            receipt.node_names = node_names(office)  # type: ignore[attr-defined]
        return receipt

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Show the receipt with its workspace, which a printed page names."""
        context["office"] = self.office(request)
        response: HttpResponseBase = super().render_change_form(request, context, *args, **kwargs)
        return response

    @display(description=_("When"))
    def displayed_moment(self, receipt: ErasureReceipt) -> str:
        moment = localize(timezone.localtime(receipt.moment))
        return f"{moment} ({timezone.get_current_timezone_name()})"

    @display(description=_("Customers"))
    def displayed_size(self, receipt: ErasureReceipt) -> int:
        return len(receipt.customers)

    @display(description=_("Done by"))
    def displayed_author(self, receipt: ErasureReceipt) -> str:
        if receipt.user_id is not None:
            return gettext("user {user_id}").format(user_id=receipt.user_id)
        if receipt.source_id is not None:
            return gettext("source {source_id}").format(source_id=receipt.source_id)
        return gettext("the nightly purge")

    @display(description=_("Customers"))
    def displayed_customers(self, receipt: ErasureReceipt) -> SafeString:
        names = receipt.node_names  # type: ignore[attr-defined]
        where = gettext("{id} in {node}")
        lines = [
            where.format(id=each["id"], node=names[each["nodeId"]]) for each in receipt.customers
        ]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", zip(lines)))

    @display(description=_("What was erased"))
    def displayed_counts(self, receipt: ErasureReceipt) -> str:
        rows = labelled_counts(receipt_response(receipt))
        table = {"headers": [_("What"), _("Number")], "rows": rows}
        return render_to_string("admin/table.html", {"table": table})

    @display(description=_("Hash (SHA-256)"))
    def displayed_hash(self, receipt: ErasureReceipt) -> SafeString:
        return _as_code(receipt.hash)

    @display(description=_("Hash of the receipt before"))
    def displayed_previous_hash(self, receipt: ErasureReceipt) -> SafeString:
        return _as_code(receipt.previous_hash)


def _as_code(value: bytes | memoryview) -> SafeString:
    return format_html("<code>{}</code>", bytes(value).hex())
