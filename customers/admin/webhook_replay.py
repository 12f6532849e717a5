"""The form for delivering changes to a webhook again."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
)


class ReplayForm(forms.Form):
    """The start of a repeated delivery."""

    offset = forms.IntegerField(
        label=_("Deliver what stands after this offset of the update stream"),
        min_value=0,
        max_value=2**63 - 1,
        widget=UnfoldAdminIntegerFieldWidget(),
    )
