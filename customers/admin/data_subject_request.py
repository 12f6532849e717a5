"""The register of requests of people in the back-office: list, and form to enter and answer one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RangeDateFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from contacthub_project.admin.api_form import ApiModelForm
from contacthub_project.admin.model_admin import WORKSPACE, WorkspaceModelAdmin
from contacthub_project.admin.saving import SavesThroughApi
from customers.models import DataSubjectRequest, RequestState, RequestType
from customers.models.data_subject_request import DataSubjectRequestQuerySet

REQUESTS = WORKSPACE + "/data-protection/requests"
LIST = "admin:customers_datasubjectrequest_changelist"
OVERDUE, ALL = "OVERDUE", "ALL"
STATES = {
    RequestState.OPEN.value: _("Open"),
    OVERDUE: _("Late"),
    RequestState.DONE.value: _("Done"),
    RequestState.REFUSED.value: _("Refused"),
    ALL: _("All requests"),
}
COLOURS = {"OPEN": "info", "DONE": "success", "REFUSED": "warning"}


class StateFilter(DropdownFilter):
    """Requests in a state; the open ones unless another is chosen."""

    title = _("State")
    parameter_name = "state"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(STATES.items())

    def value(self) -> str:
        return chosen_state(super().value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        state, requests = self.value(), queryset
        assert isinstance(requests, DataSubjectRequestQuerySet)
        if state == OVERDUE:
            return requests.overdue(timezone.localdate())
        return requests if state == ALL else requests.filter(state=state)


def chosen_state(given: str | None) -> str:
    """Return the state that a list is restricted to."""
    return given if given in STATES else RequestState.OPEN.value


class DataSubjectRequestForm(ApiModelForm):
    """A request, as somebody has made it."""

    class Meta:
        model = DataSubjectRequest
        fields = ("type", "state", "received_on", "due_on", "subject", "note")
        widgets = {
            "subject": UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
            "note": UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        }
        help_texts = {
            "due_on": _("Up to 92 days after it was received, where the law allows."),
            "subject": _("As they have written or said."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            received: forms.Field = self.fields["received_on"]
            received.required = False
            received.help_text = gettext("Today unless given; due 30 days later.")
            self.fields["subject"].required = True


@admin.register(DataSubjectRequest)
class DataSubjectRequestAdmin(SavesThroughApi, WorkspaceModelAdmin):
    """The register; what is due first comes first. Requests are answered, and never deleted."""

    operations = {
        "view": ("GET", REQUESTS),
        "add": ("POST", REQUESTS),
        "change": ("PUT", REQUESTS + "/{requestId}"),
    }
    api_path = "/data-protection/requests"
    form = DataSubjectRequestForm
    list_display = (
        "displayed_type", "received_on", "displayed_due", "displayed_person", "displayed_state",
        "closed_at", "displayed_receipt",
    )  # fmt: skip
    list_display_links = ("displayed_type",)
    list_filter = (
        StateFilter,
        ("type", ChoicesDropdownFilter),
        ("received_on", RangeDateFilter),
        ("due_on", RangeDateFilter),
    )
    list_filter_submit = True
    list_before_template = "admin/customers/datasubjectrequest/states.html"
    date_hierarchy = "created_at"
    search_fields = ("=customer_id",)
    search_help_text = _("Id of a customer")
    sortable_by = ("displayed_type", "received_on", "displayed_due", "closed_at")
    actions = ("close",)
    readonly_fields = (
        "displayed_customer", "displayed_receipt", "created_at", "closed_at",
    )  # fmt: skip

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Return what is due first for open requests, the latest first for others."""
        is_open = chosen_state(request.GET.get("state")) in {RequestState.OPEN, OVERDUE}
        return ("due_on", "id") if is_open else ("-created_at", "-id")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Show the list, with its states to choose from."""
        context = {"states": STATES.items(), "state": chosen_state(request.GET.get("state"))}
        context["current"] = {"aria-current": "page"}
        return super().changelist_view(request, context | (extra_context or {}))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("type", "subject", "received_on", "note")})]
        asked = ("type", "state", "received_on", "due_on", "subject", "note")
        return [(None, {"fields": asked}), (_("Register"), {"fields": self.readonly_fields})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        is_return = obj is not None and obj.type == RequestType.RETURN
        return (*self.readonly_fields, "type") if is_return else self.readonly_fields

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "type":
            kwargs["choices"] = [each for each in db_field.choices if each[0] != RequestType.RETURN]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def get_api_body(self, request: HttpRequest, form: Any, current: Any) -> dict[str, Any]:
        body = super().get_api_body(request, form, current)
        texts = {name: body[name] or "" for name in ("subject", "note")}
        if body["receivedOn"] is None:
            del body["receivedOn"]
        return body | texts

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponseBase:
        messages.success(request, gettext("The request is in the register."))
        return HttpResponseRedirect(reverse(LIST))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponseBase:
        messages.success(request, gettext("The request is changed."))
        return HttpResponseRedirect(request.path if "_continue" in request.POST else reverse(LIST))

    @admin.action(description=_("Mark as done"), permissions=["change"])
    def close(self, request: HttpRequest, queryset: QuerySet[DataSubjectRequest]) -> None:
        """Answer the ticked requests."""
        done = self.change_each(request, queryset, {"state": RequestState.DONE.value})
        messages.success(request, gettext("{count} changed.").format(count=done))

    @display(description=_("What somebody wants"), ordering="type")
    def displayed_type(self, asked: DataSubjectRequest) -> str:
        return asked.get_type_display()

    @display(description=_("Due"), ordering="due_on")
    def displayed_due(self, asked: DataSubjectRequest) -> str:
        day = date_format(asked.due_on)
        if not _is_late(asked):
            return day
        return format_html('{} <b class="office-fault">{}</b>', day, gettext("late"))

    @display(description=_("Who"))
    def displayed_person(self, asked: DataSubjectRequest) -> str:
        return asked.subject if asked.customer_id is None else _person(asked)

    @display(description=_("The person"))
    def displayed_customer(self, asked: DataSubjectRequest) -> str:
        """Return a link to the person, or to where it is found."""
        if asked.customer_id is not None:
            return _person(asked)
        address = reverse("office:privacy", kwargs={"workspace_id": asked.workspace_id})
        return _link(address, gettext("Find the person"))

    @display(description=_("State"), ordering="state", label=COLOURS)
    def displayed_state(self, asked: DataSubjectRequest) -> tuple[str, str]:
        return asked.state, asked.get_state_display()

    @display(description=_("Receipt"))
    def displayed_receipt(self, asked: DataSubjectRequest) -> str:
        if asked.receipt_id is None:
            return ""
        address = reverse("admin:customers_erasurereceipt_change", args=[asked.receipt_id])
        return _link(address, gettext("receipt"))


def _is_late(asked: DataSubjectRequest) -> bool:
    return asked.state == RequestState.OPEN and asked.due_on < timezone.localdate()


def _person(asked: DataSubjectRequest) -> SafeString:
    parts = {"workspace_id": asked.workspace_id, "customer_id": asked.customer_id}
    text = gettext("customer {customer_id}").format(customer_id=str(asked.customer_id)[-8:])
    return _link(reverse("office:privacy-person", kwargs=parts), text)


def _link(address: str, text: str) -> SafeString:
    return format_html('<a class="underline" href="{}">{}</a>', address, text)
