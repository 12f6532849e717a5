"""The form for delivering changes to a webhook again."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
)


class ReplayForm(forms.Form):
    """The start of a repeated delivery: a moment, or without one an offset."""

    offset = forms.IntegerField(
        label=_("Deliver what stands after this offset of the update stream"),
        min_value=0,
        max_value=2**63 - 1,
        widget=UnfoldAdminIntegerFieldWidget(),
        required=False,
    )
    moment = forms.DateTimeField(
        label=_("Or what has happened since this moment (UTC)"),
        help_text=_("Such as 2026-03-01 10:00."),
        widget=UnfoldAdminTextInputWidget(),
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if not self.errors and values.get("offset") is None and values.get("moment") is None:
            self.add_error("offset", _("An offset or a moment is needed."))
        return values

    def start(self) -> dict[str, int]:
        """Return the start as the API takes it."""
        moment = self.cleaned_data["moment"]
        if moment is None:
            return {"offset": self.cleaned_data["offset"]}
        return {"timestamp": round(moment.replace(tzinfo=UTC).timestamp() * 1000)}
