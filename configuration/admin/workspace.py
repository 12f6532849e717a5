"""All workspaces, for operators: list, creation, status, second factors, deletion."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from configuration.actions.workspaces import demand_second_factor
from configuration.models import Workspace, WorkspaceStatus
from configuration.queries.shards import shard_names
from contacthub_project.admin.api_form import ApiModelForm
from contacthub_project.admin.audit import record_action
from contacthub_project.admin.confirmation import Confirmation
from contacthub_project.admin.model_admin import ApiModelAdmin
from contacthub_project.admin.saving import RefusedByApi, SavesThroughApi
from contacthub_project.core.identifiers import as_uuid

WORKSPACES, ONE = "/workspaces", "/workspaces/{workspaceId}"
STATES = {
    WorkspaceStatus.ENABLED.value: "success",
    WorkspaceStatus.SUSPENDED.value: "warning",
    WorkspaceStatus.DISABLED.value: "danger",
}


class WorkspaceForm(ApiModelForm):
    """A workspace; the shard of its data is chosen once."""

    shard = forms.ChoiceField(label=_("Where its data is placed"), widget=UnfoldAdminSelectWidget())

    class Meta:
        model = Workspace
        fields = ("name", "slug", "group_pk", "shard", "status", "demands_second_factor")
        labels = {
            "slug": _("Short name"),
            "group_pk": _("Customer group"),
            "demands_second_factor": _("People who work here must have a second factor"),
        }
        help_texts = {
            "slug": _("For addresses: lower-case letters, digits, hyphens."),
            "group_pk": _("The number of the customer group; workspaces of one have the same."),
            "status": _("Suspended: it can only be read. Disabled: every request is refused."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "shard" in self.fields:
            shard: Any = self.fields["shard"]
            shard.choices = [(name, name) for name in shard_names()]


@admin.register(Workspace)
class WorkspaceAdmin(SavesThroughApi, ApiModelAdmin):
    """Workspaces that are not being deleted."""

    operations = {
        "view": ("GET", WORKSPACES),
        "add": ("POST", WORKSPACES),
        "change": ("PUT", ONE + "/status"),
        "delete": ("DELETE", ONE),
    }
    sensitive = {
        "change": _("You change who may use a workspace."),
        "delete": _("You delete a workspace with everything in it."),
    }
    form = WorkspaceForm
    list_display = (
        "name", "slug", "displayed_status", "group_pk", "shard", "demands_second_factor",
        "created_at",
    )  # fmt: skip
    list_display_links = ("name",)
    list_filter = (
        ("status", ChoicesDropdownFilter),
        "demands_second_factor",
        ("created_at", RangeDateTimeFilter),
    )
    list_filter_submit = True
    search_fields = ("name", "slug")
    search_help_text = _("Name or short name")
    ordering = ("name", "id")
    actions_row = ("work_here",)
    actions_detail = ("work_here",)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Suggest the customer group of the newest workspace; most installations have only one."""
        newest = Workspace.objects.present().order_by("-created_at").first()
        group = 1 if newest is None else newest.group_pk
        return {"group_pk": group, **super().get_changeform_initial_data(request)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workspace]:
        return Workspace.objects.present()

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        return super().get_object(request, object_id, from_field) if as_uuid(object_id) else None

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("name", "slug", "group_pk", "shard")})]
        return [
            (None, {"fields": ("status", "demands_second_factor")}),
            (_("Workspace"), {"fields": self.get_readonly_fields(request, obj)}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("name", "slug", "id", "group_pk", "shard", "created_at")

    def get_api_path(self, request: HttpRequest, obj: Any = None) -> str:
        return WORKSPACES + (f"/{obj.pk}" if obj is not None else "")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create a workspace, or change its status and whether it demands a second factor."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        given = form.cleaned_data
        if "status" in form.changed_data:
            path, body = f"{self.get_api_path(request, obj)}/status", {"status": given["status"]}
            version = given.get("version")
            reply = self.api(request).write("PUT", path, body, version=version)
            if not reply.is_good:
                raise self._refused(request, reply, obj, form)
        if "demands_second_factor" in form.changed_data:
            self._demand_second_factor(request, obj, given["demands_second_factor"])

    def _demand_second_factor(self, request: HttpRequest, obj: Workspace, demanded: bool) -> None:
        workspace = Workspace.objects.present().filter(id=obj.pk).first()
        if workspace is None:
            raise RefusedByApi(self.api(request).get(self.get_api_path(request, obj)))
        demand_second_factor(workspace, demanded=demanded)
        record_action(
            self.staff(request).user, workspace.id, "Second factor demanded", workspace.name,
            after={"demanded": demanded},
        )  # fmt: skip

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponseBase:
        text = _now("The workspace is there. Make the first node, where customers go.")
        messages.success(request, text)
        return HttpResponseRedirect(reverse("office:nodes", kwargs={"workspace_id": obj.pk}))

    def deletion_of(self, obj: Any) -> Confirmation:
        return Confirmation(
            title=_now("Delete %s?") % obj,
            what=_now("All its customers, events and settings go, for good."),
            action=_now("Delete for good"),
            typed=obj.name,
        )

    @action(description=_("Work here"), icon="login", permissions=["view"])
    def work_here(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Lead to the first page of the workspace."""
        return HttpResponseRedirect(reverse("switch-workspace", args=[object_id]))

    @display(description=_("Status"), ordering="status", label=STATES)
    def displayed_status(self, workspace: Workspace) -> Any:
        return workspace.status, workspace.get_status_display()
