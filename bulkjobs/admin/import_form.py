"""The upload form of imports, and the detected format of a file in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from bulkjobs.admin.job_admin import entity_of, rows_choices
from bulkjobs.domain.cells import DateOrder, DecimalMark
from bulkjobs.domain.files.encodings import NAMES
from bulkjobs.domain.files.tables import FileOptions
from bulkjobs.domain.reading import Reading, Values
from bulkjobs.models import BulkJobOperation
from contacthub_project.core.errors import Invalid
from contacthub_project.core.strict_json import parse_json

ACCEPTED = ".csv,.txt,.tsv,.xlsx,.gz,.zip,text/csv"
SEPARATORS = {",": _("commas"), ";": _("semicolons"), "\t": _("tabs"), "|": _("vertical bars")}
PASSED_ON = ("operation", "encoding", "sheet", "values", "dateOrder", "decimal", "mapping")
NO_FORM = {"autocomplete": "off"}


class ImportForm(forms.Form):
    """A file, the entity and operation of its rows, and the options for reading cells."""

    node = forms.ChoiceField(label=_("Node"), widget=UnfoldAdminSelectWidget())
    rows = forms.ChoiceField(label=_("A row is"), widget=UnfoldAdminSelectWidget())
    operation = forms.ChoiceField(
        label=_("What to do"),
        choices=[
            (BulkJobOperation.UPSERT.value, _("Add new ones, change known ones")),
            (BulkJobOperation.INSERT.value, _("Add new ones, refuse known ones")),
            (BulkJobOperation.DELETE.value, _("Delete those in the file")),
        ],
        widget=UnfoldAdminSelectWidget(),
    )
    file = forms.FileField(
        label=_("File"), widget=forms.FileInput(attrs={"accept": ACCEPTED, "class": "grow min-w-0"})
    )
    values = forms.ChoiceField(
        label=_("Cells are"),
        choices=[
            (Values.LENIENT.value, _("as people write them")),
            (Values.STRICT.value, _("exactly as the API takes them")),
        ],
        widget=UnfoldAdminSelectWidget(),
    )
    dateOrder = forms.ChoiceField(
        label=_("Dates such as 02/01/1990"),
        choices=[
            ("", _("are refused")),
            (DateOrder.DMY.value, _("are day, month, year")),
            (DateOrder.MDY.value, _("are month, day, year")),
        ],
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    decimal = forms.ChoiceField(
        label=_("Decimals"),
        choices=[
            ("", _("are found out")),
            (DecimalMark.COMMA.value, "1,5"),
            (DecimalMark.POINT.value, "1.5"),
        ],
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    encoding = forms.ChoiceField(
        label=_("Encoding of a CSV file"),
        choices=[("", _("is found out")), *((each, each) for each in NAMES)],
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    sheet = forms.CharField(
        label=_("Sheet of a workbook"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": _("the first")}),
    )
    mapping = forms.CharField(
        required=False, max_length=500_000, widget=forms.HiddenInput(attrs=NO_FORM)
    )
    tried = forms.UUIDField(required=False, widget=forms.HiddenInput(attrs=NO_FORM))
    dryRun = forms.BooleanField(required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, nodes: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, list[tuple[str, Any]]] = {
            "node": [(each["id"], each["name"]) for each in nodes],
            "rows": rows_choices(),
        }
        for name, offered in choices.items():
            field: Any = self.fields[name]
            field.choices = offered

    def clean_mapping(self) -> dict[str, str | None]:
        """Return the properties of columns by their headers; None is left out."""
        text = self.cleaned_data["mapping"]
        try:
            found = parse_json(text.encode("utf-8", "surrogatepass")) if text else {}
        except Invalid:
            found = None
        if not isinstance(found, dict) or not all(
            path is None or isinstance(path, str) for path in found.values()
        ):
            raise ValidationError(gettext("The columns could not be read."))
        return found

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if not hasattr(file, "stored_as"):
            raise ValidationError(gettext("The file could not be stored."))
        return file

    def reading(self) -> Reading:
        """The options for reading the file; of a valid form."""
        given = self.cleaned_data
        return Reading(
            FileOptions(given["encoding"] or None, given["sheet"].strip() or None),
            given["values"] == Values.LENIENT,
            DateOrder(given["dateOrder"]) if given["dateOrder"] else None,
            DecimalMark(given["decimal"]) if given["decimal"] else None,
            given["mapping"],
        )

    def api_fields(self) -> QueryDict:
        """The fields of the API's form."""
        entity, event_type = entity_of(self.cleaned_data["rows"])
        fields = QueryDict(mutable=True)
        for name in PASSED_ON:
            if self.data.get(name):
                fields[name] = self.data[name]
        fields["entity"] = entity
        if event_type:
            fields["eventType"] = event_type
        if self.cleaned_data["dryRun"]:
            fields["dryRun"] = "true"
        return fields


def layout_text(found: Mapping[str, Any]) -> str:
    """Return what a file was found to be, from a layout or a job's report, in words."""
    separator = found.get("separator")
    named = SEPARATORS.get(separator or "", separator)
    parts = [
        str(found.get("format") or found.get("container") or "").upper(),
        found.get("encoding"),
        gettext("separated by %(sign)s") % {"sign": named} if separator else None,
        gettext("sheet %(name)s") % {"name": found["sheet"]} if found.get("sheet") else None,
    ]
    return ", ".join(str(part) for part in parts if part)
