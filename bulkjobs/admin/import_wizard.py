"""The import wizard: upload, preview with columns, dry run, import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect, JsonResponse, QueryDict
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _
from unfold.widgets import BASE_INPUT_CLASSES

from bulkjobs.actions.storage import readable_file
from bulkjobs.admin.import_form import ImportForm, layout_text
from bulkjobs.admin.job_admin import chosen_node, entity_of, rows_choices, writable_nodes
from bulkjobs.models import BulkJob, BulkJobOperation, BulkJobStatus, Outcome
from bulkjobs.queries.columns import possible_columns
from bulkjobs.queries.preview import Preview, preview_file
from configuration.queries.rules import latest_rules_of
from contacthub_project.admin.saving import failure_text
from contacthub_project.core.errors import Unavailable

PREVIEWED = 5  # rows
PREVIEW_BYTES = 64 << 20  # after decompression
JSON_TYPE = "application/json"


@dataclass(frozen=True)
class _ApiForm:
    """A form with a file, as the API takes it."""

    POST: QueryDict
    FILES: Any


class ImportWizard:
    """The page that adds an import, as a part of its model admin.

    The page sends the file up to three times: its beginning for the preview, all of it for the dry
    run, and again for the import. So nothing is kept of files that are not imported.
    """

    def wizard_urls(self) -> list[URLPattern]:
        return [
            self.own_url("add/preview/", "preview", self.preview_view),  # type: ignore[attr-defined]
            self.own_url("add/template/", "template", self.template_view),  # type: ignore[attr-defined]
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponseBase:
        """Show the form, or take the file in; the page's script gets JSON."""
        office, nodes = self._offered(request)
        if request.method != "POST":
            initial = {"node": chosen_node(office, request, nodes)}
            return self._page(request, ImportForm(nodes=nodes, initial=initial))
        form = ImportForm(request.POST, request.FILES, nodes=nodes)
        try:
            faults = self._faults(request, form)
            job_id = None if faults else self._take_in(request, form, faults)
        finally:
            request.close()  # removes a file that was not kept
        if request.headers.get("Accept") == JSON_TYPE:
            return self._answer(request, job_id, faults)
        if job_id is not None:
            return HttpResponseRedirect(reverse("admin:bulkjobs_bulkjob_change", args=[job_id]))
        for fault in faults:
            messages.error(request, fault)
        return self._page(request, form)

    def _offered(self, request: HttpRequest) -> tuple[Any, list[dict[str, Any]]]:
        if not self.has_add_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        office: Any = self.office(request)  # type: ignore[attr-defined]
        return office, writable_nodes(office)

    def _page(self, request: HttpRequest, form: ImportForm) -> HttpResponseBase:
        context = self.admin_site.each_context(request) | {  # type: ignore[attr-defined]
            "title": _("Import a file"),
            "form": form,
            "opts": self.opts,  # type: ignore[attr-defined]
            "progress_url": "admin:bulkjobs_bulkjob_progress",
            "reading": [form[name] for name in READING],
            "has_nodes": bool(form.fields["node"].choices),  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/bulkjobs/bulkjob/import.html", context)

    def _faults(self, request: HttpRequest, form: ImportForm) -> list[str]:
        """Return the faults of a form; a deletion needs the number counted by a dry run."""
        if not form.is_valid():
            return [
                f"{form.fields[name].label or name}: {fault}"
                for name, faults in form.errors.items()
                for fault in faults
            ]
        given = form.cleaned_data
        if given["operation"] != BulkJobOperation.DELETE or given["dryRun"]:
            return []
        count = self._counted_deletions(request, form)
        if count is None:
            return [_("Try it first: a deletion needs the number of those that it deletes.")]
        if request.POST.get("typed", "").strip() != str(count):
            return [_("This is not the number of those to be deleted. Nothing has been done.")]
        return []

    def _counted_deletions(self, request: HttpRequest, form: ImportForm) -> int | None:
        """Return how many customers a dry run of the same file by the same person would delete."""
        given = form.cleaned_data
        entity, event_type = entity_of(given["rows"])
        tried: BulkJob | None = (
            self.get_queryset(request)  # type: ignore[attr-defined]
            .filter(
                id=given["tried"],
                node_id=UUID(given["node"]),
                dry_run=True,
                operation=BulkJobOperation.DELETE,
                status=BulkJobStatus.PROCESSED,
                entity=entity,
                event_type=event_type,
                filename=(given["file"].name or "")[:255],
                author_user=request.user.pk,
            )
            .first()
        )
        return None if tried is None else tried.outcomes.get(Outcome.DELETED, 0)

    def _take_in(self, request: HttpRequest, form: ImportForm, faults: list[str]) -> Any:
        """Create a job by the API; return its id, or None with the API's errors in `faults`."""
        path = self.get_api_path(request)  # type: ignore[attr-defined]
        sent = _ApiForm(form.api_fields(), request.FILES)
        reply = self.api(request).upload(path, sent)  # type: ignore[attr-defined]
        if not reply.is_good:
            faults.append(failure_text(request, reply))
            return None
        return reply.json["id"]

    def _answer(self, request: HttpRequest, job_id: Any, faults: list[str]) -> HttpResponseBase:
        if job_id is None:
            return JsonResponse({"faults": faults}, status=400)
        names = {"job": "change", "outcome": "outcome"}
        addresses = {
            name: reverse(f"admin:bulkjobs_bulkjob_{page}", args=[job_id])
            for name, page in names.items()
        }
        return JsonResponse({"id": job_id} | addresses, status=201)

    def preview_view(self, request: HttpRequest) -> HttpResponseBase:
        """Return what a file is, its first rows, and the properties of its columns, as HTML."""
        office, nodes = self._offered(request)
        form = ImportForm(request.POST, request.FILES, nodes=nodes)
        found, paths = Preview(), ()
        try:
            if form.is_valid():
                found, paths = self._preview(office, form, request.POST.get("isWhole") != "false")
            else:
                found.fault = " ".join(self._faults(request, form))
        except Unavailable as failure:
            found.fault = failure.message
        finally:
            request.close()
        context = {
            "preview": found,
            "paths": paths,
            "input_classes": " ".join([*BASE_INPUT_CLASSES, "min-w-52"]),
            "layout": layout_text(found.layout.as_json()) if found.layout else "",
        }
        return TemplateResponse(request, "admin/bulkjobs/preview.html", context)

    def _preview(self, office: Any, form: ImportForm, is_whole: bool) -> tuple[Preview, Any]:
        rules = latest_rules_of(office.workspace_id)
        assert rules is not None, "the person works in the workspace"
        possible = possible_columns(rules, *entity_of(form.cleaned_data["rows"]))
        with readable_file(form.cleaned_data["file"].stored_as) as file:
            found = preview_file(
                file,
                possible,
                form.reading(),
                is_whole=is_whole,
                most_bytes=PREVIEW_BYTES,
                rows=PREVIEWED,
            )
        return found, possible.paths

    def template_view(self, request: HttpRequest) -> HttpResponseBase:
        """Download an empty workbook with every column of customers, or of a type of event."""
        office, nodes = self._offered(request)
        node = chosen_node(office, request, nodes)
        if node is None:
            raise PermissionDenied
        known = {name for _label, group in rows_choices()[1:] for name, _label in group}
        rows = request.GET.get("rows")
        query = {"format": "xlsx"}
        if rows in known:
            query |= {"entity": "EVENT", "eventType": str(rows)}
        response: HttpResponseBase = self.download(  # type: ignore[attr-defined]
            request,
            f"{office.path}/nodes/{node}/import-template",
            query,
            back=reverse("admin:bulkjobs_bulkjob_add"),
        )
        return response


READING = ("values", "dateOrder", "decimal", "encoding", "sheet")
