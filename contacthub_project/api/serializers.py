"""Bases of the serializers of request bodies; view sets call `read`.

Unknown properties are errors, and all errors of a body are reported at once, in the error format.
"""

from __future__ import annotations

import copy
from collections.abc import Container, Mapping, Sequence
from typing import Any, ClassVar

from rest_framework import serializers

from contacthub_project.api.components import Schema
from contacthub_project.api.fields import ImmutableField
from contacthub_project.api.serializer_faults import serializer_faults
from contacthub_project.core.array_forms import as_list, as_object, as_sent
from contacthub_project.core.errors import FieldError, Invalid


class BodySerializer(serializers.BaseSerializer):
    """A serializer that reads whole bodies."""

    @classmethod
    def read(cls, body: Any, *, current: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Return the validated values of `body`; raises Invalid with every fault.

        `current` is the resource's current response: immutable properties must equal it.
        """
        serializer = cls(data=body, context={"current": current}, **options)
        serializer.initial_data = _in_declared_form(serializer, body)
        if not serializer.is_valid():
            faults = list(serializer_faults(serializer, serializer.errors))
            raise Invalid(errors=as_sent(faults, body, serializer.initial_data))
        return serializer.validated_data


class StrictSerializer(BodySerializer, serializers.Serializer):
    """An object whose every property is a declared field.

    `read` returns a dict by the `source` of the fields.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = {
                name: serializers.ErrorDetail("is not a known property", "unknown")
                for name in data.keys() - self.fields.keys()
            }
            if unknown:
                known = {name: value for name, value in data.items() if name in self.fields}
                try:
                    super().to_internal_value(known)
                except serializers.ValidationError as others:
                    unknown |= others.detail
                raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)


class MapSerializer(BodySerializer):
    """An object with any of the names in `names`, each value read by `child`.

    `read` returns a dict of what `child` reads. `names` None allows every name; `wrong_name` is the
    message for others.
    """

    child: serializers.Field
    names: ClassVar[Container[str] | None] = None
    wrong_name: ClassVar[str] = "is not a known name"
    default_error_messages = {"not_a_dict": "must be an object"}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.child = copy.deepcopy(self.child)  # own copy for each instance, as in DRF's lists
        self.child.bind(field_name="", parent=self)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            self.fail("not_a_dict")
        values: dict[str, Any] = {}
        faults: dict[str, Any] = {}
        for name, given in data.items():
            if self.names is not None and name not in self.names:
                faults[name] = [serializers.ErrorDetail(self.wrong_name, "enum")]
                continue
            try:
                values[name] = self.child.run_validation(given)
            except serializers.ValidationError as failure:
                faults[name] = failure.detail
        if faults:
            raise serializers.ValidationError(faults)
        return values

    def to_representation(self, instance: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self.child.to_representation(value) for name, value in instance.items()}


class DocumentSerializer(BodySerializer):
    """A document that a function of the domain reads, and that responses return as stored.

    `schema` describes it in the OpenAPI document.
    """

    schema: ClassVar[Schema]

    def read_document(self, document: Any) -> tuple[Any, Sequence[FieldError]]:
        """Return the document to store, and the faults of the sent document."""
        raise NotImplementedError

    def to_internal_value(self, data: Any) -> Any:
        """Raises Invalid: the faults have pointers and codes already."""
        document, faults = self.read_document(data)
        if faults:
            raise Invalid(errors=faults)
        return document

    def to_representation(self, instance: Any) -> Any:
        return instance


def _in_declared_form(field: serializers.Field, data: Any) -> Any:
    """Return `data` with the arrays and objects that a field declares (`core.array_forms`)."""
    if isinstance(field, ImmutableField):
        return _in_declared_form(field.of, data)
    if isinstance(field, serializers.ListSerializer | serializers.ListField):
        data, child = as_list(data), field.child
        if isinstance(data, list) and child is not None:
            return [_in_declared_form(child, each) for each in data]
    elif isinstance(field, serializers.DictField):
        return as_object(data)
    elif isinstance(field, MapSerializer):
        data = as_object(data)
        if isinstance(data, dict):
            return {name: _in_declared_form(field.child, value) for name, value in data.items()}
    elif isinstance(field, serializers.Serializer):
        data = as_object(data)
        if isinstance(data, dict):
            known = field.fields
            return {
                name: _in_declared_form(known[name], value) if name in known else value
                for name, value in data.items()
            }
    return data
