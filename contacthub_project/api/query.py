"""Reads query parameters, which are untrusted text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Self, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest, QueryDict

from contacthub_project.core.date_math import Instant, Moment, parse_moment
from contacthub_project.core.date_spans import Clock, Span, span_of
from contacthub_project.core.error_codes import Code
from contacthub_project.core.errors import FieldError, Invalid, NotFound
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.core.timestamps import timestamp_of

T = TypeVar("T")
Row = TypeVar("Row", bound=Model)
LONGEST_TEXT = 255
LONGEST_LIST = 8192
MOST_LISTED = 100
MOST_SORT_KEYS = 5
A_MOMENT = "a date, a date-time, milliseconds since 1970 or relative to now, such as now-30d"
WHOLE_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of a requested order."""

    field: str
    descending: bool


class QueryParameters:
    """Reads the parameters of an operation; unknown ones are ignored.

    A parameter without a value (`mode=`) counts as absent. Faults are collected; `raise_faults`
    reports all at once.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._values: QueryDict = request.GET
        self.faults: list[FieldError] = []

    @classmethod
    def of_values(cls, values: QueryDict) -> Self:
        """Read parameters of a parsed query."""
        parameters = cls.__new__(cls)
        parameters._values, parameters.faults = values, []
        return parameters

    def has(self, name: str) -> bool:
        """Return whether the parameter is given, valid or not."""
        return self._given(name) is not None

    def text(self, name: str, *, longest: int = LONGEST_TEXT) -> str | None:
        """Return the parameter as text; None when absent."""
        value = self._given(name)
        return None if value is None else self._checked(name, value, longest)

    def whole_number(
        self, name: str, *, default: T, least: int = 0, most: int | None = None
    ) -> int | T:
        """Return the parameter as an integer from `least` to `most`."""
        value = self._given(name)
        if value is None:
            return default
        if not WHOLE_NUMBER.fullmatch(value) or int(value) < least:
            return self._fault(name, f"must be an integer of at least {least}", default)
        if most is not None and int(value) > most:
            return self._fault(name, f"must be at most {most}", default)
        return int(value)

    def flag(self, name: str, *, default: T) -> bool | T:
        """Return the parameter as a boolean."""
        value = self._given(name)
        if value is None:
            return default
        if value.lower() not in {"true", "false"}:
            return self._fault(name, "must be true or false", default)
        return value.lower() == "true"

    def choice(self, name: str, allowed: Sequence[str], *, default: T) -> str | T:
        """Return the parameter, one of the `allowed` values."""
        value = self._given(name)
        if value is None:
            return default
        if value not in allowed:
            return self._fault(name, f"must be one of {', '.join(allowed)}", default)
        return value

    def moment(self, name: str) -> Moment | None:
        """Return the parameter as a point in time (`core.date_math`); None when absent."""
        text = self.text(name)
        if text is None:
            return None
        # An unencoded plus sign is decoded as a space.
        text = text.replace(" ", "+") if "T" in text or text.startswith("now") else text
        moment = parse_moment(text)
        if moment is None and (instant := timestamp_of(text)) is not None:
            moment = Instant(instant)  # milliseconds of a few digits
        if moment is None:
            self.fault(name, f"must be {A_MOMENT}")
        return moment

    def span(self, name: str, zone: tzinfo) -> Span | None:
        """Return the span of the parameter; a bare date is a day of the zone."""
        moment = self.moment(name)
        return None if moment is None else span_of(moment, Clock(datetime.now(UTC), zone))

    def sort(self, *, default: Sequence[SortKey] = ()) -> Sequence[SortKey]:
        """Return the keys of `sort=field,asc|desc`; ascending by default."""
        keys = []
        for value in filter(None, self._values.getlist("sort")):
            field, _, direction = value.partition(",")
            if not field.strip() or direction.strip().lower() not in {"", "asc", "desc"}:
                self.fault("sort", "must be a property, then maybe ,asc or ,desc")
            keys.append(SortKey(field.strip(), direction.strip().lower() == "desc"))
        if len(keys) > MOST_SORT_KEYS:
            self.fault("sort", f"must not be given more than {MOST_SORT_KEYS} times")
        return keys or default

    def listed(self, name: str, *, most: int = MOST_LISTED) -> list[str]:
        """Return the items of a list, by commas or repeated; empty when absent."""
        text = self._checked(name, ",".join(self._values.getlist(name)), LONGEST_LIST) or ""
        items = [item.strip() for item in text.split(",") if item.strip()]
        if len(items) > most:
            self.fault(name, f"names more than {most}")
        return items

    def fault(self, name: str, message: str, code: Code = "query") -> None:
        """Add a fault of a parameter."""
        self.faults.append(FieldError(f"/{name}", message, code))

    def raise_faults(self) -> None:
        """Raise Invalid with all faults, if there are any."""
        if self.faults:
            raise Invalid("The query parameters are not valid", errors=self.faults)

    def _checked(self, name: str, value: str, longest: int) -> str | None:
        if "\0" in value:
            return self._fault(name, "holds a character that cannot be stored", None)
        if len(value) > longest:
            return self._fault(name, f"is longer than {longest} characters", None)
        return value

    def _given(self, name: str) -> str | None:
        """Return the last value of the parameter that is not empty."""
        value = self._values.get(name)
        if value == "":
            return next(filter(None, reversed(self._values.getlist(name))), None)
        return value

    def _fault(self, name: str, message: str, result: T) -> T:
        self.fault(name, message)
        return result


# An id that no row has: ids that are no UUID are handled like unknown ones.
UNKNOWN = UUID(int=0)


def id_or_unknown(text: str) -> UUID:
    """Return the UUID of a path segment, or UNKNOWN, which no row has."""
    return as_uuid(text) or UNKNOWN


def get_or_not_found(rows: QuerySet[Row], text: str, name: str) -> Row:
    """Return the row with the id of a path segment; raises NotFound, whose message has the name."""
    row = rows.filter(id=id_or_unknown(text)).first()
    if row is None:
        raise NotFound(f"{name} not found {text}")
    return row
