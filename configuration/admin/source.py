"""Sources: list, form, and tokens, which are shown once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextareaWidget

from configuration.domain.permissions import CREATABLE_PROVIDERS
from configuration.models import Node, Source
from contacthub_project.admin.api_form import ApiModelForm
from contacthub_project.admin.confirmation import Confirmation
from contacthub_project.admin.model_admin import WORKSPACE, WorkspaceModelAdmin
from contacthub_project.admin.saving import SavesThroughApi, failure_text
from contacthub_project.admin.sign_in.reauthentication import hold_form
from contacthub_project.api.web_tag import snippet
from contacthub_project.core.text import humanized

SOURCES = WORKSPACE + "/configuration/sources"
UNKNOWN_TOKEN = "chs_…"  # noqa: S105 - what stands in its place


class SourceForm(ApiModelForm):
    """A source; settings by provider are the addresses that it is used on."""

    written_nodes = forms.ModelMultipleChoiceField(
        label=_("Nodes"),
        queryset=Node.objects.none(),
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    allowed_urls = forms.CharField(
        label=_("Web sites it is used on"),
        help_text=_("Addresses, a line each; none is any site."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        required=False,
    )
    pointers = {
        "/nodes": "written_nodes",
        "/properties/allowedURLs": "allowed_urls",
        "/properties": "allowed_urls",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        addresses = (self.instance.properties or {}).get("allowedURLs") or ()
        nodes = Node.objects.in_workspace(self.office.workspace_id)
        self.fields["written_nodes"].queryset = nodes.entries()  # type: ignore[attr-defined]
        if not self.instance._state.adding:
            self.initial["written_nodes"] = list(self.instance.nodes.all())
        self.initial["allowed_urls"] = "\n".join(addresses)


@admin.register(Source)
class SourceAdmin(SavesThroughApi, WorkspaceModelAdmin):
    """Applications that write and read, with their nodes."""

    operations = {
        "view": ("GET", SOURCES),
        "add": ("POST", SOURCES),
        "change": ("PUT", SOURCES + "/{sourceId}"),
        "delete": ("DELETE", SOURCES + "/{sourceId}"),
    }
    api_path = "/configuration/sources"
    sensitive = {
        "add": gettext_lazy("You make a source, and see its token."),
        "new_token": gettext_lazy("You make a new token of a source. The old one ends."),
    }
    form = SourceForm
    list_display = (
        "name",
        "provider",
        "node_names",
        "displayed_trust",
        "displayed_state",
        "updated_at",
    )
    list_display_links = ("name",)
    list_filter = (("provider", ChoicesDropdownFilter), "enabled", "trusted")
    list_filter_submit = True
    search_fields = ("name", "description")
    search_help_text = _("Name or description")
    ordering = ("name", "id")
    actions = ("turn_on", "turn_off")
    actions_detail = ("watch_live", "new_token")
    fieldsets = (
        (None, {"fields": ("name", "provider", "description", "written_nodes", "enabled")}),
        (_("Used in web pages"), {"fields": ("trusted", "allowed_urls")}),
        (_("Answers"), {"fields": ("date_format",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        sources: QuerySet[Source] = super().get_queryset(request).prefetch_related("nodes")
        return sources

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("provider", "trusted") if obj is not None else ()

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "provider":
            kwargs["choices"] = [
                each for each in db_field.choices if each[0] in CREATABLE_PROVIDERS
            ]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "trusted" and field is not None:
            field.help_text = _(
                "Not for a source whose token everybody can read in a page: it writes and may not"
                " read profiles. Provider API only."
            )
        elif db_field.name == "date_format" and field is not None:
            field.help_text = _("+0000, as older clients in Go and .NET read moments, or Z.")
        return field

    def get_api_body(self, request: HttpRequest, form: Any, current: Any) -> dict[str, Any]:
        body = super().get_api_body(request, form, current)
        addresses = (body.pop("allowedUrls", None) or "").split()
        body["nodes"] = body.pop("writtenNodes")
        known = (current or {}).get("properties") or {}
        if addresses or known.get("allowedURLs"):
            body["properties"] = known | {"allowedURLs": addresses}
        if body.get("trusted"):
            del body["trusted"]  # what the provider is anyway
        return body

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponseBase:
        return self._token_page(request, obj, request.api_reply)  # type: ignore[attr-defined]

    @action(description=_("New token"), icon="key", permissions=["change"])
    def new_token(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Ask, then make a new token and show it."""
        source = self.get_object(request, object_id)
        if source is None:
            raise Http404
        held_back = hold_form(request, self.sensitive_act("new_token"))
        if held_back is not None:
            return held_back
        confirmation = Confirmation(
            title=gettext("New token for {source}?").format(source=source),
            what=gettext("The old token ends at once: what still uses it can write no more."),
            action=gettext("Make a new token"),
        )
        page = confirmation.page(request, self, source)
        if page is not None:
            return page
        path = self.get_api_path(request, source) + "/refresh-token"
        reply = self.api(request).write("POST", path, {})
        if reply.is_good:
            return self._token_page(request, source, reply)
        messages.error(request, failure_text(request, reply))
        return HttpResponseRedirect(reverse("admin:configuration_source_change", args=[object_id]))

    @action(description=_("Web pages and live view"), icon="sensors", permissions=["view"])
    def watch_live(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Show the lines that web pages embed, and events as they come in.

        With the parameter `after` the events since, as JSON.
        """
        source, office = self.get_object(request, object_id), self.office(request)
        if source is None or office is None:
            raise Http404
        query = {"sourceId": str(source.id)}
        path = f"/workspaces/{office.workspace_id}/events/live"
        if "after" in request.GET:
            reply = office.api.get(path, query | {"after": request.GET["after"]})
            for each in reply.json.get("elements", ()):
                each["reasonName"] = gettext(humanized(each.get("reason") or ""))
            return JsonResponse(reply.json, status=reply.status)
        reply = office.api.get(path, query)
        context = self.admin_site.each_context(request) | {
            "title": str(source),
            "opts": self.opts,
            "embed_title": _("In your web pages"),
            "live_title": _("Live"),
            "lines": "" if source.trusted else self._lines(request, source),
            "after": reply.json.get("next", ""),
            "address": request.path,
            "zone": office.zone.key,
        }
        return TemplateResponse(request, "admin/configuration/source/live.html", context)

    def _lines(self, request: HttpRequest, source: Source) -> str:
        """Return the HTML that pages embed; the token is not known any more."""
        node = source.nodes.first()
        return snippet(
            settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/"),
            workspace_id=str(source.workspace_id),
            node_id="" if node is None else str(node.id),
            token=UNKNOWN_TOKEN,
        )

    def _token_page(self, request: HttpRequest, source: Any, reply: Any) -> TemplateResponse:
        context = self.admin_site.each_context(request) | {
            "title": str(source), "heading": _("The token"), "secret": reply.json["token"],
            "opts": self.opts,
        }  # fmt: skip
        return TemplateResponse(request, "admin/secret.html", context)

    @admin.action(description=_("Turn on"), permissions=["change"])
    def turn_on(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        self._switch(request, queryset, enabled=True)

    @admin.action(description=_("Turn off"), permissions=["change"])
    def turn_off(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        self._switch(request, queryset, enabled=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Source], *, enabled: bool) -> None:
        done = self.change_each(request, queryset, {"enabled": enabled})
        messages.success(request, gettext("{count} changed.").format(count=done))

    @display(description=_("Nodes"))
    def node_names(self, source: Source) -> str:
        return ", ".join(node.name for node in source.nodes.all())

    @display(
        description=_("Trust"), ordering="trusted",
        label={"trusted": "success", "untrusted": "warning"},
    )  # fmt: skip
    def displayed_trust(self, source: Source) -> tuple[str, str]:
        if source.trusted:
            return "trusted", gettext("trusted")
        return "untrusted", gettext("untrusted")

    @display(description=_("State"), ordering="enabled", label={"on": "success", "off": "danger"})
    def displayed_state(self, source: Source) -> tuple[str, str]:
        return ("on", gettext("on")) if source.enabled else ("off", gettext("off"))

    @display(description=_("Nodes"))
    def written_nodes(self, source: Source) -> str:
        return str(self.node_names(source))

    @display(description=_("Web sites it is used on"))
    def allowed_urls(self, source: Source) -> str:
        return ", ".join((source.properties or {}).get("allowedURLs") or ())
