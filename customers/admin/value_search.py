"""Lists that are searched for a person's value by a form, never by the address of the page.

An address stands in the history of the browser and in logs.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

EMAIL, EXTERNAL_ID = "email", "externalId"
LONGEST = 200


class ValueForm(forms.Form):
    """A value and what it is."""

    by = forms.ChoiceField(
        label=_("By"),
        choices=[(EMAIL, _("E-mail address")), (EXTERNAL_ID, _("External id"))],
        widget=UnfoldAdminSelectWidget(),
    )
    text = forms.CharField(
        label=_("Value"),
        max_length=LONGEST,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )


class SearchedByValue:
    """Mixin of model admins: a form above the list, whose value restricts it."""

    list_before_template = "admin/customers/value_search.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Show the list, restricted to rows with the value of the form."""
        is_search = request.method == "POST" and "by" in request.POST
        form = ValueForm(request.POST if is_search else None)
        if is_search and form.is_valid():
            request.sought = (form.cleaned_data["by"], form.cleaned_data["text"])  # type: ignore[attr-defined]
        context = {"value_form": form, **(extra_context or {})}
        response: HttpResponseBase = super().changelist_view(request, context)  # type: ignore[misc]
        return response

    def sought(self, request: HttpRequest) -> tuple[str, str] | None:
        """Return what a value is and the value, None if none is searched for."""
        found: tuple[str, str] | None = getattr(request, "sought", None)
        return found
