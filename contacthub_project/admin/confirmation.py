"""The confirmation page before an irreversible action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext


@dataclass(frozen=True)
class Confirmation:
    """A question: what happens, the button's label, and the text to type, if any.

    `form` holds further inputs of the action.
    """

    title: str
    what: str
    action: str
    typed: str = ""
    form: Form | None = None
    is_dangerous: bool = True

    def page(self, request: HttpRequest, model_admin: Any, obj: Any) -> HttpResponseBase | None:
        """Return the confirmation page; None when the request's form confirms it."""
        if request.method == "POST":
            fits = request.POST.get("typed", "").strip().lower() == self.typed.strip().lower()
            if fits and (self.form is None or self.form.is_valid()):
                return None
            if not fits:
                messages.error(
                    request, gettext("This is not what stands above. Nothing has been done.")
                )
        opts = model_admin.opts
        context = model_admin.admin_site.each_context(request) | {
            "title": self.title,
            "subtitle": str(obj) if obj is not None else "",
            "confirmation": self,
            "opts": opts,
            "object": obj,
            "back": self._back(opts, obj),
        }
        return TemplateResponse(request, "admin/confirm.html", context)

    def _back(self, opts: Any, obj: Any) -> str:
        """Return the address of the object's page, without one that of the list."""
        name = f"admin:{opts.app_label}_{opts.model_name}"
        return (
            reverse(f"{name}_changelist")
            if obj is None
            else reverse(f"{name}_change", args=[obj.pk])
        )
