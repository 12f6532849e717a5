"""Background exports: list, form, and page with the file."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import URLPattern, reverse
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from bulkjobs.admin.job_admin import (
    JobAdmin,
    NodeFilter,
    chosen_node,
    entity_of,
    rows_choices,
    rows_name,
)
from bulkjobs.admin.progress import Progress, export_progress
from bulkjobs.models import ExportJob
from bulkjobs.queries.export_files import ExportFormat
from contacthub_project.admin.api_form import ApiModelForm
from contacthub_project.admin.confirmation import Confirmation
from contacthub_project.admin.model_admin import WORKSPACE
from contacthub_project.admin.sign_in.reauthentication import require_reauthentication
from contacthub_project.core.errors import Invalid
from contacthub_project.core.strict_json import parse_json

EXPORTS = WORKSPACE + "/nodes/{nodeId}/exports"
FORMATS = {
    ExportFormat.CSV.value: _("CSV"),
    ExportFormat.XLSX.value: _("Excel workbook, up to 100,000 rows"),
    ExportFormat.JSONL.value: _("JSON, a document a line"),
}


class ExportForm(ApiModelForm):
    """The content and the format of a new export."""

    from_node = forms.ChoiceField(label=_("Node"), widget=UnfoldAdminSelectWidget())
    rows = forms.ChoiceField(label=_("A row is"), widget=UnfoldAdminSelectWidget())
    condition = forms.CharField(
        label=_("Only customers that fit"),
        help_text=_("A condition of the query language, as JSON; none is all."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        required=False,
    )
    order = forms.CharField(
        label=_("In the order of"),
        help_text=_("Such as base.lastName,asc; of customers only."),
        widget=UnfoldAdminTextInputWidget(),
        required=False,
    )
    columns = forms.CharField(
        label=_("Columns"),
        help_text=_(
            "Properties such as base.contacts.email, or groups of them such as base.contacts,"
            " a line each; none is all. The id comes always."
        ),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        required=False,
    )
    pointers = {
        "/query": "condition", "/sort": "order", "/fields": "columns", "/eventType": "rows",
        "/entity": "rows", "/format": "file_format", "/excel": "has_mark",
    }  # fmt: skip

    class Meta:
        model = ExportJob
        fields = ("file_format", "has_mark")
        labels = {"file_format": _("File"), "has_mark": _("For Excel")}
        help_texts = {
            "has_mark": _("CSV begins with a byte order mark, by which Excel knows UTF-8.")
        }

    file_format = forms.ChoiceField(
        label=_("File"), choices=list(FORMATS.items()), widget=UnfoldAdminSelectWidget()
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, list[tuple[str, Any]]] = {
            "from_node": [(each["id"], each["name"]) for each in self.office.nodes],
            "rows": rows_choices(),
        }
        for name, offered in choices.items():
            field: Any = self.fields[name]
            field.choices = offered

    def clean_condition(self) -> Any:
        """Return the condition as a document, None when there is none."""
        text = self.cleaned_data["condition"].strip()
        if not text:
            return None
        try:
            return parse_json(text.encode("utf-8", "surrogatepass"))
        except Invalid:
            raise forms.ValidationError(gettext("This is not JSON.")) from None


@admin.register(ExportJob)
class ExportJobAdmin(JobAdmin):
    """Exports of the last days, with their authors and files."""

    operations = {
        "view": ("GET", EXPORTS + "/{exportId}"),
        "add": ("POST", EXPORTS),
        "delete": ("DELETE", EXPORTS + "/{exportId}"),
    }
    api_path = "/exports"
    node_field = "from_node"
    sensitive = {"add": gettext_lazy("You export data of customers as a file.")}
    form = ExportForm
    list_display = (
        "display_rows", "display_format", "display_node", "display_status", "display_progress",
        "author", "created_at",
    )  # fmt: skip
    list_display_links = ("display_rows",)
    list_filter = (
        NodeFilter,
        ("status", ChoicesDropdownFilter),
        ("entity", ChoicesDropdownFilter),
        ("created_at", RangeDateTimeFilter),
    )
    search_fields = ("=id", "author_name")
    search_help_text = _("Who asked for it, or id of an export")
    sortable_by = ("display_status", "display_node", "created_at")
    fields = (
        "display_node", "display_rows", "display_format", "author", "created_at", "updated_at",
        "display_columns", "display_condition", "display_order",
    )  # fmt: skip
    form_fields = ("from_node", "rows", "file_format", "has_mark", "columns", "condition", "order")

    def get_urls(self) -> list[URLPattern]:
        file = self.own_url("<uuid:object_id>/file/", "file", self.file_view)
        return [file, *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.form_fields if obj is None else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the form begins with; lists lead here with their condition and order."""
        office: Any = self.office(request)
        return {
            "from_node": chosen_node(office, request, office.nodes),
            "condition": request.GET.get("query", ""),
            "order": request.GET.get("sort", ""),
        }

    def get_api_body(self, request: HttpRequest, form: Any, current: Any) -> dict[str, Any]:
        given = form.cleaned_data
        entity, event_type = entity_of(given["rows"])
        return {
            "entity": entity,
            "eventType": event_type,
            "format": given["file_format"],
            "excel": given["has_mark"],
            "fields": given["columns"].split() or None,
            "query": given["condition"],
            "sort": given["order"].strip() or None,
        }

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponseBase:
        """Show the form, or have an export made; its page is shown then."""
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
        context = (extra_context or {}) | buttons
        page: HttpResponseBase = super().add_view(request, form_url, context)
        return page

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponseBase:
        return HttpResponseRedirect(reverse("admin:bulkjobs_exportjob_change", args=[obj.pk]))

    def progress(self, job: ExportJob) -> Progress:
        return export_progress(job)

    def deletion_of(self, obj: Any) -> Confirmation:
        return Confirmation(
            title=gettext("Delete this export?"),
            what=gettext("Its file goes."),
            action=gettext("Delete"),
        )

    def job_context(self, request: HttpRequest, job: ExportJob) -> dict[str, Any]:
        """Return an export, how far it is, and its file."""
        title = gettext("Export: %(what)s") % {"what": self.display_rows(job)}
        return {"job": job, "progress": self.progress(job), "title": title}

    def file_view(self, request: HttpRequest, object_id: Any) -> HttpResponseBase:
        """Download the file of an export."""
        job = self.found(request, object_id)
        require_reauthentication(request)
        path = f"{self.get_api_path(request, job)}/file"
        back = reverse("admin:bulkjobs_exportjob_change", args=[job.id])
        return self.download(request, path, {}, back=back)

    @display(description=_("What"), ordering="entity")
    def display_rows(self, job: ExportJob) -> str:
        return rows_name(job.entity, job.request.get("eventType"))

    @display(description=_("File"), ordering="file_format")
    def display_format(self, job: ExportJob) -> str:
        return str(job.file_format).upper()

    @display(description=_("Columns"))
    def display_columns(self, job: ExportJob) -> str:
        return ", ".join(job.request.get("fields") or ()) or gettext("all")

    @display(description=_("Only customers that fit"))
    def display_condition(self, job: ExportJob) -> str:
        query = job.request.get("query")
        return render_to_string("admin/bulkjobs/condition.html", {"query": query})

    @display(description=_("Order"))
    def display_order(self, job: ExportJob) -> str:
        keys = job.request.get("sort") or ()
        return ", ".join(f"{field},{'desc' if descending else 'asc'}" for field, descending in keys)
