"""API clients: each person's own list, with a form that makes one, whose secret is shown once."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from oauth2_provider.generators import generate_client_secret
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from configuration.actions.api_clients import set_date_format
from configuration.actions.ending_access import delete_client
from configuration.models import ApiClient
from configuration.models.source import DATE_FORMATS
from contacthub_project.admin.audit import record_action
from contacthub_project.admin.confirmation import Confirmation
from contacthub_project.admin.context import StaffContext
from contacthub_project.admin.model_admin import ApiModelAdmin, is_staff
from contacthub_project.admin.saving import SavesThroughApi
from contacthub_project.core.date_format import DateFormat

MOST = 50  # clients of a person
SCRIPT, SIGN_IN = "client-credentials", "authorization-code"
KINDS = [(SCRIPT, _("a script of mine")), (SIGN_IN, _("an application that people sign in to"))]


class ApiClientForm(forms.ModelForm):  # type: ignore[type-arg]
    """A client. Scripts act for their owner; people sign in to applications."""

    name = forms.CharField(label=_("Name"), max_length=255, widget=UnfoldAdminTextInputWidget())
    authorization_grant_type = forms.ChoiceField(
        label=_("For"), choices=KINDS, initial=SCRIPT, widget=UnfoldAdminSelectWidget()
    )
    redirect_uris = forms.CharField(
        label=_("Where people go back to"),
        help_text=_("After signing in: addresses, a line each; for applications only."),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    date_format = forms.ChoiceField(
        label=_("How moments end in answers to it"),
        help_text=_("+0000, as older clients in Go and .NET read them"),
        choices=DATE_FORMATS,
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )

    staff: ClassVar[StaffContext]  # who makes it; set by `get_form` for one request

    class Meta:
        model = ApiClient
        fields = ("name", "authorization_grant_type", "redirect_uris")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.instance.user = self.staff.user
        else:
            self.initial["date_format"] = self.instance.date_format
            for name in ("name", "authorization_grant_type", "redirect_uris"):  # chosen once
                self.fields.pop(name, None)
        if "authorization_grant_type" in self.fields and not self.staff.is_operator:
            widget: Any = self.fields["authorization_grant_type"].widget
            widget.choices = KINDS[:1]

    def clean_authorization_grant_type(self) -> str:
        """Return the kind; only operators have other people sign in."""
        kind: str = self.cleaned_data["authorization_grant_type"]
        if kind == SIGN_IN and not self.staff.is_operator:
            raise forms.ValidationError(gettext("Only an operator may have other people sign in."))
        return kind

    def clean(self) -> dict[str, Any] | None:
        if self.instance._state.adding:
            if ApiClient.objects.filter(user=self.staff.user).count() >= MOST:
                raise forms.ValidationError(
                    gettext("Nobody has more than {most} clients. Delete one first.").format(
                        most=MOST
                    )
                )
            # Applications in browsers and on phones cannot keep a secret: PKCE replaces it.
            is_script = self.cleaned_data.get("authorization_grant_type") == SCRIPT
            self.instance.client_type = "confidential" if is_script else "public"
            self.secret = generate_client_secret()
            self.instance.client_secret = self.secret
        return super().clean()


@admin.register(ApiClient)
class ApiClientAdmin(SavesThroughApi, ApiModelAdmin):
    """The clients of the signed-in person; nobody has those of others.

    They are no resource of the API: actions of the application write them.
    """

    sensitive = {"add": _("You make an API client.")}
    form = ApiClientForm  # type: ignore[assignment]
    list_display = (
        "name",
        "displayed_kind",
        "displayed_id",
        "displayed_dates",
        "displayed_created",
    )
    list_display_links = ("name",)
    list_select_related = ("answers",)
    search_fields = ("name", "client_id")
    search_help_text = _("Name or client id")
    ordering = ("-id",)
    sortable_by = ("name", "displayed_created")
    date_hierarchy = "created"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_staff(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_staff(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_staff(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiClient]:
        mine: QuerySet[ApiClient] = ApiClient.objects.filter(user=self.staff(request).user)
        return mine

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return [(None, {"fields": (*self.get_readonly_fields(request, obj), "date_format")})]
        addresses = ("redirect_uris",) if self.staff(request).is_operator else ()
        return [(None, {"fields": ("name", "authorization_grant_type", *addresses, "date_format")})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        known = ("name", "displayed_kind", "displayed_id", "displayed_created")
        return known if obj is not None else ()

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"staff": self.staff(request)})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Make the client, or change how moments end in answers to it."""
        date_format = DateFormat(form.cleaned_data["date_format"] or DateFormat.ZULU)
        after = {"dateFormat": date_format.value}
        if not change:
            obj.save()
            after = {"name": obj.name, **after}
        if change or date_format is not DateFormat.ZULU:
            set_date_format(obj, date_format)
        staff = self.staff(request)
        summary = "API client changed" if change else "API client made"
        record_action(staff.user, staff.last_workspace, summary, obj.client_id, after=after)
        if not change:
            is_script = obj.authorization_grant_type == SCRIPT
            request.client_secret = form.secret if is_script else ""  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponseBase:
        messages.success(request, gettext("The client is there."))
        context = self.admin_site.each_context(request) | {
            "title": obj.name,
            "opts": self.opts,
            "client": obj,
            "secret": request.client_secret,  # type: ignore[attr-defined]
            "token_address": request.build_absolute_uri(reverse("oauth2_provider:token")),
        }
        return TemplateResponse(request, "admin/configuration/apiclient/secret.html", context)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponseBase:
        ending = ApiClient.objects.get(pk=obj.pk).date_format
        text = gettext("Timestamps end with {date_format_after} now.")
        messages.success(request, text.format(date_format_after=ending))
        return HttpResponseRedirect(reverse("admin:configuration_apiclient_changelist"))

    def deletion_of(self, obj: Any) -> Confirmation:
        return Confirmation(
            title=gettext("Delete {obj}?").format(obj=obj.name),
            what=gettext("Its tokens will not work any more."),
            action=gettext("Delete"),
        )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete the client with its tokens."""
        staff = self.staff(request)
        ended = delete_client(staff.user, obj.pk)
        if ended is not None:
            record_action(staff.user, staff.last_workspace, ended.kind, ended.name)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Redirect to the client's entries of the audit log, which has it by its client id."""
        client = self.get_object(request, object_id)
        return super().history_view(request, client.client_id if client else "", extra_context)

    @display(description=_("For"))
    def displayed_kind(self, client: ApiClient) -> str:
        if client.authorization_grant_type == SCRIPT:
            return gettext("a script of yours")
        return gettext("people sign in, and go back to {redirect_uris}").format(
            redirect_uris=client.redirect_uris
        )

    @display(description=_("Moments end with"))
    def displayed_dates(self, client: ApiClient) -> str:
        return client.date_format

    @display(description=_("Client id"))
    def displayed_id(self, client: ApiClient) -> SafeString:
        return format_html("<code>{}</code>", client.client_id)

    @display(description=_("Since"), ordering="created")
    def displayed_created(self, client: ApiClient) -> str:
        return localize(timezone.localtime(client.created))
