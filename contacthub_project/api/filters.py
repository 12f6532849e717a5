"""Filters of lists: django-filter's `FilterSet`, read and documented as our parameters are.

    class NodeFilterSet(FilterSet):
        nodeType = ChoiceFilter("type", choices=NodeType.values, help_text="Nodes of this kind.")
        sort = SortFilter({"name": "name", "createdAt": "created_at"}, default="createdAt,desc")

    class NodeViewSet(WorkspaceScopedViewSet):
        filterset_class = NodeFilterSet  # of the action `list`, for the OpenAPI document
        page_rules = pagination.CONFIGURATION

        def list(self, request, workspace_id):
            filters = NodeFilterSet(request.GET)
            page = self.requested_page(filters)  # raises Invalid with every fault of the query
            nodes = filters.filter_queryset(everything)

A filter has the name of its parameter, and the field of the model that it compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter

from contacthub_project.api.parameters import (
    UUID,
    choice_parameter,
    flag_parameter,
    id_parameter,
    list_parameter,
    moment_parameter,
    number_parameter,
    sort_parameter,
    text_parameter,
)
from contacthub_project.api.query import (
    LONGEST_TEXT,
    QueryParameters,
    SortKey,
    id_or_unknown,
)
from contacthub_project.core.errors import FieldError

# Reads a parameter by its name; invalid values become faults of the parameters.
Reader = Callable[[QueryParameters, str], Any]


class ParameterValues(forms.Widget):
    """Gives a form field its name and all values of the query."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> tuple[QueryDict, str]:
        return data, name


class ParameterField(forms.Field):
    """Reads a parameter by `QueryParameters`; its faults become those of the form."""

    widget = ParameterValues

    def __init__(self, *, read: Reader, **options: Any) -> None:
        super().__init__(**options)
        self.read = read

    def clean(self, value: tuple[QueryDict, str]) -> Any:
        data, name = value
        parameters = QueryParameters.of_values(data)
        result = self.read(parameters, name)
        if self.required and not parameters.has(name):
            parameters.fault(name, "is required")
        if parameters.faults:
            raise ValidationError(
                [ValidationError(fault.message, fault.code) for fault in parameters.faults]
            )
        return result


class ParameterFilter(django_filters.Filter):
    """The base of filters: `read` reads the parameter, `parameter` documents it.

    `help_text` is the description in the OpenAPI document.
    """

    field_class = ParameterField

    def __init__(self, field_name: str | None = None, *, help_text: str, **options: Any) -> None:
        super().__init__(
            field_name, label=help_text, help_text=help_text, read=self.read, **options
        )

    @property
    def description(self) -> str:
        """Return the description for the OpenAPI document."""
        return str(self.extra["help_text"])

    def read(self, parameters: QueryParameters, name: str) -> Any:
        """Return the value of the parameter; None or an empty list when it is absent."""
        raise NotImplementedError

    def parameter(self, name: str) -> OpenApiParameter:
        """Return the parameter of the OpenAPI document."""
        raise NotImplementedError


class TextFilter(ParameterFilter):
    """Text of at most so many characters."""

    def __init__(
        self, field_name: str | None = None, *, longest: int = LONGEST_TEXT, **options: Any
    ) -> None:
        self.longest = longest
        super().__init__(field_name, **options)

    def read(self, parameters: QueryParameters, name: str) -> str | None:
        return parameters.text(name, longest=self.longest)

    def parameter(self, name: str) -> OpenApiParameter:
        required = self.extra["required"]
        return text_parameter(name, self.description, required=required, longest=self.longest)


class IdFilter(ParameterFilter):
    """A UUID; other text matches no row."""

    def read(self, parameters: QueryParameters, name: str) -> Any:
        text = parameters.text(name)
        return None if text is None else id_or_unknown(text)

    def parameter(self, name: str) -> OpenApiParameter:
        return id_parameter(name, self.description, required=self.extra["required"])


class IdsFilter(ParameterFilter):
    """Several UUIDs, separated by commas or in repeated parameters."""

    def __init__(self, field_name: str, *, lookup_expr: str = "in", **options: Any) -> None:
        super().__init__(field_name, lookup_expr=lookup_expr, **options)

    def read(self, parameters: QueryParameters, name: str) -> Any:
        return [id_or_unknown(text) for text in parameters.listed(name)]

    def parameter(self, name: str) -> OpenApiParameter:
        return list_parameter(name, self.description, UUID)


class ChoiceFilter(ParameterFilter):
    """One of several values."""

    def __init__(
        self, field_name: str | None = None, *, choices: Iterable[str], **options: Any
    ) -> None:
        self.choices = list(choices)
        super().__init__(field_name, **options)

    def read(self, parameters: QueryParameters, name: str) -> str | None:
        return parameters.choice(name, self.choices, default=None)

    def parameter(self, name: str) -> OpenApiParameter:
        return choice_parameter(name, self.choices, self.description)


class NumberFilter(ParameterFilter):
    """A whole number within bounds, both included."""

    def __init__(
        self,
        field_name: str | None = None,
        *,
        least: int = 0,
        most: int | None = None,
        **options: Any,
    ) -> None:
        self.bounds: Mapping[str, Any] = {"least": least, "most": most}
        super().__init__(field_name, **options)

    def read(self, parameters: QueryParameters, name: str) -> int | None:
        return parameters.whole_number(name, default=None, **self.bounds)

    def parameter(self, name: str) -> OpenApiParameter:
        return number_parameter(name, self.description, **self.bounds)


class FlagFilter(ParameterFilter):
    """true or false; no restriction when absent."""

    def read(self, parameters: QueryParameters, name: str) -> bool | None:
        return parameters.flag(name, default=None)

    def parameter(self, name: str) -> OpenApiParameter:
        described = flag_parameter(name, self.description)
        described.type = {"type": "boolean"}
        return described


class MomentFilter(ParameterFilter):
    """A moment in any form that the query language takes.

    Its `method` gets a `core.date_math.Moment`, whose span depends on the time zone.
    """

    def __init__(self, *, method: str, **options: Any) -> None:
        super().__init__(method=method, **options)

    def read(self, parameters: QueryParameters, name: str) -> Any:
        return parameters.moment(name)

    def parameter(self, name: str) -> OpenApiParameter:
        return moment_parameter(name, self.description)


class SortFilter(ParameterFilter):
    """`sort=property,desc`, repeatable; `fields` are the model's fields by property.

    `default` is an order in the syntax of the parameter. Ids break ties, in the direction of the
    last key.
    """

    def __init__(self, fields: Mapping[str, str], *, default: str, **options: Any) -> None:
        self.fields, self.default = fields, default
        name, _, direction = default.partition(",")
        self.default_keys = (SortKey(name, direction == "desc"),)
        super().__init__(help_text="", **options)

    def read(self, parameters: QueryParameters, name: str) -> list[SortKey]:
        keys = parameters.sort(default=self.default_keys)
        for key in keys:
            if key.field not in self.fields:
                parameters.fault(name, f"must be one of {', '.join(self.fields)}")
        return list(keys)

    def filter(self, qs: QuerySet[Any], value: list[SortKey]) -> QuerySet[Any]:
        keys = [(self.fields[key.field], key.descending) for key in value]
        return self.ordered(qs, keys)

    def ordered(self, rows: QuerySet[Any], keys: list[tuple[str, bool]]) -> QuerySet[Any]:
        """Return the rows, ordered by pairs of a field and whether it descends."""
        order = [f"{'-' if descends else ''}{field}" for field, descends in keys]
        return rows.order_by(*order, "-id" if keys[-1][1] else "id")

    def parameter(self, name: str) -> OpenApiParameter:
        return sort_parameter(self.fields, self.default)


class FilterSet(django_filters.FilterSet):
    """The filters of a list, read from the query; unknown parameters are ignored.

    `filter_queryset` takes any queryset of the model, once `faults` is empty.
    """

    def __init__(
        self, data: QueryDict, queryset: QuerySet[Any] | None = None, **options: Any
    ) -> None:
        super().__init__(data, QuerySet() if queryset is None else queryset, **options)
        self.is_bound = True  # also for an empty query

    @property
    def faults(self) -> list[FieldError]:
        """Return all faults of the parameters, in the error format."""
        return [
            FieldError(f"/{name}", fault.message, fault.code)
            for name, faults in self.errors.as_data().items()
            for fault in faults
        ]

    @classmethod
    def parameters(cls) -> list[OpenApiParameter]:
        """Return the parameters of all filters, for the OpenAPI document."""
        return [each.parameter(name) for name, each in cls.base_filters.items()]


__all__ = [
    "ChoiceFilter", "FilterSet", "FlagFilter", "IdFilter", "IdsFilter", "MomentFilter",
    "NumberFilter", "ParameterFilter", "SortFilter", "TextFilter",
]  # fmt: skip
