"""Base classes of model admins: tenancy and permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from unfold.admin import ModelAdmin

from configuration.models import Node, User
from configuration.queries.principals import principal_of_staff
from contacthub_project.admin.context import StaffContext, WorkspaceContext, staff_context
from contacthub_project.admin.paginator import BoundedPaginator
from contacthub_project.admin.workspace import current_workspace
from contacthub_project.api.operations import contract
from contacthub_project.core.principal import Principal
from contacthub_project.db.querysets import TenantQuerySet

WORKSPACE = "/workspaces/{workspaceId}"
Operation = tuple[str, str]  # method and path template of an operation of the contract
READ_ONLY: Mapping[str, Operation] = {}


class ApiModelAdmin(ModelAdmin):
    """A model admin whose permissions are those of the API's operations.

    `operations` maps "view", "add", "change" and "delete" to the corresponding operation; others
    are not offered. Django's own permissions of models are not used.
    """

    operations: ClassVar[Mapping[str, Operation]] = READ_ONLY
    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    paginator = BoundedPaginator

    def staff(self, request: HttpRequest) -> StaffContext:
        """Return the signed-in person's context, the same during a request."""
        return staff_context(request)

    def may(self, request: HttpRequest, act: str) -> bool:
        """Return whether the roles of the person allow the operation of `act`."""
        operation = self.operations.get(act)
        return operation is not None and self.staff(request).api.may(*operation)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_staff(request) and self.may(request, "view")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_staff(request) and self.may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_staff(request) and self.may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_staff(request) and self.may(request, "delete")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Show the list; the database takes no text with NUL to search for."""
        if any("\0" in each for values in dict(request.GET).values() for each in values):
            query = request.GET.copy()
            for name, values in request.GET.lists():
                query.setlist(name, [each.replace("\0", "") for each in values])
            request.GET = query  # type: ignore[assignment]
        response: HttpResponseBase = super().changelist_view(request, extra_context)
        return response

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the actions; nothing is deleted for many rows at once unless a class says so."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Redirect to the object's entries of the audit log."""
        address = reverse("admin:configuration_staffchange_changelist")
        return HttpResponseRedirect(f"{address}?object={object_id}")


class WorkspaceModelAdmin(ApiModelAdmin):
    """Rows of the current workspace, of the nodes that the person may read."""

    def office(self, request: HttpRequest) -> WorkspaceContext | None:
        """Return the context in the workspace of the request, None without any workspace."""
        return current_workspace(request)

    def may(self, request: HttpRequest, act: str) -> bool:
        """Return whether roles and the workspace's status allow the operation of `act`."""
        office, operation = self.office(request), self.operations.get(act)
        if office is None or operation is None or not office.api.may(*operation):
            return False
        status = office.workspace["status"]
        return status == "ENABLED" or (status == "SUSPENDED" and act == "view")

    def principal(self, request: HttpRequest) -> Principal:
        """Return the person with the roles that hold in the list's operation."""
        if "view" not in self.operations:
            assert isinstance(request.user, User), "nobody else gets in"
            return principal_of_staff(request.user)
        method, template = self.operations["view"]
        roles = contract()[template][method].roles
        principal: Principal = self.staff(request).api.principal.acting_as(roles)
        return principal

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the workspace's rows of nodes that the person may read.

        Those that belong to no node are of workspaces without a node that is closed to the person.
        """
        rows: TenantQuerySet[Any] = super().get_queryset(request)  # type: ignore[assignment]
        office = self.office(request)
        if office is None:
            return rows.none()
        rows = rows.in_workspace(office.workspace_id)
        if "node_id" in {field.attname for field in self.model._meta.fields}:
            return rows.readable_by(self.principal(request))
        return rows


class WorkspaceReadOnlyAdmin(WorkspaceModelAdmin):
    """Shows rows of the workspace to whoever sees its nodes; nothing can be changed."""

    operations = {"view": ("GET", WORKSPACE + "/configuration/nodes")}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows, office = super().get_queryset(request), self.office(request)
        principal = self.principal(request)
        fields = {field.attname for field in self.model._meta.fields}
        if office is None or principal.nodes is None or "node_id" in fields:
            return rows
        nodes = Node.objects.in_workspace(office.workspace_id)
        is_closed = nodes.exclude(id__in=nodes.readable_by(principal).values("id")).exists()
        return rows.none() if is_closed else rows


def is_staff(request: HttpRequest) -> bool:
    """Return whether the request is of somebody to whom the back-office is open."""
    user = request.user
    return isinstance(user, User) and user.is_active and user.is_staff
