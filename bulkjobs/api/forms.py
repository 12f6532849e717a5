"""The upload form."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from bulkjobs.actions.loading import Upload
from bulkjobs.domain.cells import DateOrder, DecimalMark
from bulkjobs.domain.files.encodings import NAMES, known_encoding
from bulkjobs.domain.files.tables import FileOptions
from bulkjobs.domain.reading import Reading, Values
from bulkjobs.models import BulkJobEntity, BulkJobOperation
from configuration.domain.vocabulary import EVENT_TYPES
from contacthub_project.api.requests import largest_form
from contacthub_project.api.uploads import StoredUpload
from contacthub_project.core.error_codes import Code
from contacthub_project.core.errors import FieldError, Invalid, TooLarge, UnsupportedMedia
from contacthub_project.core.strict_json import parse_json

MOST_MAPPED = 1000
DECIMAL_MARKS = (DecimalMark.POINT.value, DecimalMark.COMMA.value)


def upload_of(request: HttpRequest) -> Upload:
    """Read the form; its file is in the storage.

    Raises TooLarge, UnsupportedMedia, Unavailable, Invalid with every fault.
    """
    if not request.META.get("CONTENT_TYPE", "").lower().startswith("multipart/form-data"):
        raise UnsupportedMedia("The body must be multipart/form-data")
    if int(request.META.get("CONTENT_LENGTH") or 0) > largest_form():
        raise TooLarge(f"The file must not exceed {settings.BULK_BYTES} bytes")
    try:
        fields, files = request.POST, request.FILES
    except RequestDataTooBig:
        raise TooLarge(f"The file must not exceed {settings.BULK_BYTES} bytes") from None
    except (MultiPartParserError, UnreadablePostError):
        raise Invalid("The form could not be read") from None
    form = _Form(fields)
    operation = form.choice("operation", BulkJobOperation.values, default="")
    entity = form.choice("entity", BulkJobEntity.values, default=BulkJobEntity.CUSTOMER.value)
    event_type = form.event_type(entity)
    dry_run = form.choice("dryRun", ["true", "false"], default="false") == "true"
    reading = form.reading()
    if "file" not in files:
        form.faults.insert(0, FieldError("/file", "is required", "required"))
    if form.faults:
        raise Invalid(errors=form.faults)
    file = files["file"]
    assert isinstance(file, StoredUpload), "the handler of the settings makes them"
    name = "".join(each for each in file.name or "file.csv" if each.isprintable())
    return Upload(file, name, operation, entity, event_type, reading, dry_run)


def reading_of(fields: QueryDict) -> Reading:
    """Read the options for reading the file; raises Invalid with every fault."""
    form = _Form(fields)
    reading = form.reading()
    if form.faults:
        raise Invalid(errors=form.faults)
    return reading


class _Form:
    """The fields of a form, and their faults."""

    def __init__(self, fields: QueryDict) -> None:
        self._fields = fields
        self.faults: list[FieldError] = []

    def text(self, name: str) -> str | None:
        """Return a field, None when it is absent or empty."""
        return str(self._fields.get(name, "")).strip() or None

    def choice(self, name: str, known: list[str], *, default: str) -> str:
        """Return a field with one of the known values."""
        value = str(self._fields.get(name, default))
        if value not in known:
            self.faults.append(FieldError(f"/{name}", f"must be one of {', '.join(known)}", "enum"))
        return value

    def event_type(self, entity: str) -> str | None:
        event_type = str(self._fields.get("eventType", "")) or None
        fault: tuple[str, Code] | None = None
        if event_type is not None and event_type not in EVENT_TYPES:
            fault = ("is not a type of event", "enum")
        elif entity == BulkJobEntity.EVENT and event_type is None:
            fault = ("is required for events", "required")
        elif entity == BulkJobEntity.CUSTOMER and event_type is not None:
            fault = ("is for events only", "entity")
        if fault:
            self.faults.append(FieldError("/eventType", *fault))
        return event_type

    def reading(self) -> Reading:
        """Return the options for reading the file."""
        values = self.choice("values", Values.values(), default=Values.STRICT)
        order = self.text("dateOrder")
        if order is not None:
            self.choice("dateOrder", [each.value for each in DateOrder], default="")
        mark = self.text("decimal")
        if mark is not None:
            self.choice("decimal", list(DECIMAL_MARKS), default="")
        encoding = self.text("encoding")
        known = None if encoding is None else known_encoding(encoding)
        if encoding is not None and known is None:
            message = f"must be one of {', '.join(NAMES)}"
            self.faults.append(FieldError("/encoding", message, "enum"))
        mapping = self._mapping()
        if self.faults:
            return Reading()
        return Reading(
            FileOptions(known, self.text("sheet")),
            values == Values.LENIENT,
            DateOrder(order) if order else None,
            DecimalMark(mark) if mark else None,
            mapping,
        )

    def _mapping(self) -> dict[str, str | None]:
        text = self.text("mapping")
        if text is None:
            return {}
        message = "must be a JSON object of columns and the properties they are about, or null"
        try:
            found = parse_json(text.encode("utf-8", "surrogatepass"))
        except Invalid:
            found = None
        if (
            isinstance(found, dict)
            and len(found) <= MOST_MAPPED
            and all(path is None or isinstance(path, str) for path in found.values())
        ):
            return found
        self.faults.append(FieldError("/mapping", message, "type"))
        return {}
