"""Forms of model admins whose rules are the API's: they show its errors at their fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.db.models import Model, QuerySet
from django.forms.models import construct_instance
from django.utils.html import format_html
from django.utils.translation import gettext

from contacthub_project.admin.api_client import Reply
from contacthub_project.admin.refusals import advice

VERSION = "version"


class RefusedByApi(Exception):
    """Raised when the API does not do what a form asks for."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply
        # What was saved meanwhile, as label, saved value and typed value, after a stale write.
        self.differences: list[tuple[str, str, str]] = []
        self.saved_version: int | None = None


class ApiModelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form whose rules are the API's: it checks only what the widgets must be able to show.

    `pointers` names fields by the JSON pointers of the API's errors; without an entry a field is
    found by its own name in camel case.
    """

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    pointers: ClassVar[Mapping[str, str]] = {}
    # Set by `SavesThroughApi.get_form` for one request.
    refusal: ClassVar[RefusedByApi | None] = None
    office: ClassVar[Any] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if hasattr(self.instance, VERSION) and not self.instance._state.adding:
            self.initial[VERSION] = self.instance.version
        else:
            del self.fields[VERSION]

    def full_clean(self) -> None:
        super().full_clean()
        if self.refusal is not None and self.is_bound:
            self._add_refusal(self.refusal)

    def _post_clean(self) -> None:
        """Fill the instance; the model's own checks are left to the API."""
        opts = self._meta
        self.instance = construct_instance(self, self.instance, opts.fields, opts.exclude)

    def _add_refusal(self, refusal: RefusedByApi) -> None:
        reply = refusal.reply
        for pointer, message in reply.faults.items():
            name = self.field_at(pointer)
            self.add_error(name, message if name else f"{pointer} {message}".strip())
        if not reply.faults:
            remedy = advice(self.office, reply) if self.office is not None else ""
            text = f"{reply.message}.".replace("..", ".")
            self.add_error(None, format_html("{} {}", text, remedy))  # type: ignore[arg-type]
        for label, saved, typed in refusal.differences:
            both = gettext("{label}: saved is “{saved}”, you have typed “{typed}”.").format(
                label=label, saved=saved, typed=typed
            )
            self.add_error(
                None, gettext("{both} Save again to replace what is saved.").format(both=both)
            )
        if refusal.saved_version is not None and VERSION in self.fields:
            self.data = self.data.copy()  # type: ignore[attr-defined]
            self.data[self.add_prefix(VERSION)] = str(refusal.saved_version)  # type: ignore[index]

    def field_at(self, pointer: str) -> str | None:
        """Return the field that shows the value at a JSON pointer, None if there is none."""
        known = dict(self.pointers) | {f"/{camel_case(name)}": name for name in self.fields}
        while pointer:
            if pointer in known and known[pointer] in self.fields:
                return known[pointer]
            pointer = pointer.rpartition("/")[0]
        return None


def camel_case(name: str) -> str:
    """Return `allowed_urls` as `allowedUrls`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def as_json(value: Any) -> Any:
    """Return a form's value as the API takes it."""
    if isinstance(value, Model):
        return str(value.pk)
    if isinstance(value, QuerySet):
        return [str(each.pk) for each in value]
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return None if value == "" else value
