"""The base of the model admins of imports and exports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from bulkjobs.admin.progress import Progress
from bulkjobs.models import BulkJobEntity
from configuration.domain.vocabulary import EVENT_CATEGORIES, EVENT_TYPES
from configuration.models import User
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.model_admin import WorkspaceModelAdmin
from contacthub_project.admin.saving import SavesThroughApi, failure_text
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.core.principal import WRITE

MOST_WATCHED = 200
Choices = list[tuple[str, Any]]


class NodeFilter(DropdownFilter):
    """The nodes that the person may read."""

    title = _("Node")
    parameter_name = "node"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        office = model_admin.office(request)
        return [(each["id"], each["name"]) for each in office.nodes] if office else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(node_id=as_uuid(self.value())) if self.value() else queryset


class JobAdmin(SavesThroughApi, WorkspaceModelAdmin):
    """Jobs of the nodes that the person may read; pages refresh the progress of running ones."""

    list_select_related = ("node",)
    list_filter_submit = True
    ordering = ("-created_at", "-id")
    list_before_template = "admin/bulkjobs/news.html"
    node_field = "node"  # of the form that adds one

    class Media:
        js = ("office/jobs.js",)

    def get_urls(self) -> list[URLPattern]:
        return [self.own_url("progress/", "progress", self.progress_view), *super().get_urls()]

    def own_url(self, address: str, name: str, view: Callable[..., Any]) -> URLPattern:
        """Return a page of this class, for staff who see its list."""
        full_name = f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        page: URLPattern = path(address, self.admin_site.admin_view(view), name=full_name)
        return page

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        return super().changelist_view(request, (extra_context or {}) | self._watching())

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        """Show a job, and how far it is."""
        job = self.get_object(request, object_id)
        context = (extra_context or {}) | self._watching()
        if job is not None:
            context |= self.job_context(request, job)
        page: HttpResponseBase = super().change_view(request, object_id, form_url, context)
        return page

    def job_context(self, request: HttpRequest, job: Any) -> dict[str, Any]:
        """Return what the page of a job shows beside its form."""
        raise NotImplementedError

    def _watching(self) -> dict[str, Any]:
        opts = self.opts
        return {"progress_url": f"admin:{opts.app_label}_{opts.model_name}_progress"}

    def progress_view(self, request: HttpRequest) -> HttpResponseBase:
        """Return how far the jobs of `id` are, by id; those that are gone are not among them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        ids = {as_uuid(each) for each in request.GET.getlist("id")[:MOST_WATCHED]}
        jobs = self.get_queryset(request).filter(id__in=ids - {None})
        return JsonResponse({str(job.id): self.progress(job).as_json() for job in jobs})

    def progress(self, job: Any) -> Progress:
        """Return how far a job is."""
        raise NotImplementedError

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        jobs = super().get_queryset(request)
        person = User.objects.filter(id=OuterRef("author_user")).order_by()
        annotated: QuerySet[Any] = jobs.annotate(
            author_name=Subquery(person.values("username")[:1])
        )
        return annotated

    def get_api_path(self, request: HttpRequest, obj: Any = None) -> str:
        """Return the path of a job, or of the jobs of the node that the form names."""
        office: WorkspaceContext | None = self.office(request)
        assert office is not None, "nobody else gets in"
        node_id = obj.node_id if obj is not None else request.POST[self.node_field]
        collection = f"{office.path}/nodes/{node_id}{self.api_path}"
        return f"{collection}/{obj.pk}" if obj is not None else collection

    def found(self, request: HttpRequest, object_id: Any) -> Any:
        """Return a job that the person may see; raises Http404."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        job = self.get_object(request, str(object_id))
        if job is None:
            raise Http404
        return job

    def response_delete(
        self, request: HttpRequest, obj_display: str, obj_id: int
    ) -> HttpResponseRedirect:
        """Redirect to the list; Django redirects users without change permission to the index."""
        super().response_delete(request, obj_display, obj_id)  # tells that it is deleted
        opts = self.opts
        address = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
        return HttpResponseRedirect(address)

    def download(
        self, request: HttpRequest, path: str, query: dict[str, str], *, back: str
    ) -> HttpResponseBase:
        """Return a file of the API; its errors are displayed on the page at `back`."""
        reply = self.api(request).get(path, query)
        if reply.is_good:
            return reply.response
        messages.error(request, failure_text(request, reply))
        return HttpResponseRedirect(back)

    def may_write(self, request: HttpRequest, node_id: UUID) -> bool:
        """Return whether the person may write in a node."""
        return self.principal(request).may(WRITE, node_id)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields or ()

    @display(description=_("State"), ordering="status")
    def display_status(self, job: Any) -> str:
        return render_to_string("admin/bulkjobs/status.html", {"progress": self.progress(job)})

    @display(description=_("How far"))
    def display_progress(self, job: Any) -> str:
        context = {"progress": self.progress(job), "name": str(job)}
        return render_to_string("admin/bulkjobs/progress.html", context)

    @display(description=_("Node"), ordering="node__name")
    def display_node(self, job: Any) -> str:
        return str(job.node.name)

    @display(description=_("By"))
    def author(self, job: Any) -> str:
        return job.author_name or (str(_("a source")) if job.author_source else "")


def rows_choices() -> Choices:
    """Return what the rows of a file can be about: customers, or events of a type."""
    groups = [
        (
            _("Events: %(category)s") % {"category": gettext(category["label"])},
            [
                (each.type, gettext(each.label))
                for each in EVENT_TYPES.values()
                if each.category == category["id"]
            ],
        )
        for category in EVENT_CATEGORIES
    ]
    return [(BulkJobEntity.CUSTOMER.value, _("Customers")), *groups]


def rows_name(entity: str, event_type: str | None) -> str:
    """Return the name of the entity of a file's rows."""
    if entity == BulkJobEntity.CUSTOMER:
        return str(_("Customers"))
    known = EVENT_TYPES.get(event_type or "")
    return gettext(known.label) if known else str(event_type)


def entity_of(rows: str) -> tuple[str, str | None]:
    """Return entity and type of events for a choice of `rows_choices`."""
    if rows == BulkJobEntity.CUSTOMER:
        return rows, None
    return BulkJobEntity.EVENT.value, rows


def writable_nodes(office: WorkspaceContext) -> list[dict[str, Any]]:
    """Return the entry nodes in which the person may write."""
    return [each for each in office.nodes if "W" in each["permission"] and each["type"] == "ENTRY"]


def chosen_node(office: WorkspaceContext, request: HttpRequest, nodes: list[Any]) -> str | None:
    """Return the id of the node that a form begins with: of the address, else the first."""
    named = request.GET.get("node")
    return next((each["id"] for each in nodes if each["id"] == named), None) or next(
        (each["id"] for each in nodes), None
    )
