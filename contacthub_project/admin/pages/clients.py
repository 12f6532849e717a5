"""The page of the signed-in person's API clients."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import get_application_model

from configuration.actions.api_clients import set_date_format
from configuration.actions.ending_access import delete_client
from configuration.models.source import DATE_FORMATS
from contacthub_project.admin.audit import record_action
from contacthub_project.admin.context import StaffContext
from contacthub_project.admin.form_fields import row_id
from contacthub_project.admin.site import page_of_all
from contacthub_project.core.date_format import DateFormat

Application = get_application_model()
MOST = 50
SCRIPT, SIGN_IN = "client-credentials", "authorization-code"


class ClientForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new client. Scripts act for their owner; people sign in to applications."""

    name = forms.CharField(max_length=255)
    authorization_grant_type = forms.ChoiceField(choices=[(SCRIPT, ""), (SIGN_IN, "")])
    date_format = forms.ChoiceField(choices=DATE_FORMATS, required=False)

    class Meta:
        model = Application
        fields = ("name", "authorization_grant_type", "redirect_uris")


@page_of_all("clients/", "clients", sensitive={"add": gettext_lazy("You make an API client.")})
def clients(staff: StaffContext) -> HttpResponseBase:
    """List, create and delete one's own API clients; a secret is shown once."""
    form, own = staff.request.POST, Application.objects.filter(user=staff.user)
    secret = None
    if form.get("act") == "add":
        secret = _add(staff, form)
    elif form.get("act") == "delete":
        row = row_id(form.get("id", ""))
        ended = delete_client(staff.user, row) if row is not None else None
        if ended is not None:
            record_action(staff.user, staff.last_workspace, ended.kind, ended.name)
            messages.success(staff.request, gettext("The client is deleted. Its tokens are void."))
            return HttpResponseRedirect(reverse("office:clients"))
    elif form.get("act") == "dates":
        client = own.filter(id=row_id(form.get("id", ""))).first()
        if client is not None and form.get("date_format") in dict(DATE_FORMATS):
            date_format_after = DateFormat(form["date_format"])
            set_date_format(client, date_format_after)
            record_action(
                staff.user, staff.last_workspace, "API client changed", client.client_id,
                after={"dateFormat": date_format_after.value},
            )  # fmt: skip
            messages.success(
                staff.request,
                gettext("Timestamps end with {date_format_after} now.").format(
                    date_format_after=date_format_after.value
                ),
            )
            return HttpResponseRedirect(reverse("office:clients"))
    return staff.show(
        "clients",
        gettext("API clients"),
        clients=own.select_related("answers").order_by("-id")[:MOST],
        secret=secret,
        typed={} if secret else form,
        token_address=staff.request.build_absolute_uri(reverse("oauth2_provider:token")),
    )


def _add(staff: StaffContext, form: Any) -> dict[str, str] | None:
    """Create a client and return its id and secret; None when the form is invalid."""
    filled_form = ClientForm(form)
    if form.get("authorization_grant_type") == SIGN_IN and not staff.is_operator:
        messages.error(staff.request, gettext("Only an operator may have other people sign in."))
        return None
    if Application.objects.filter(user=staff.user).count() >= MOST:
        messages.error(
            staff.request,
            gettext("Nobody has more than {most} clients. Delete one first.").format(most=MOST),
        )
        return None
    secret = generate_client_secret()
    client = filled_form.instance
    client.user, client.client_secret = staff.user, secret
    is_script = form.get("authorization_grant_type") == SCRIPT
    # Applications in browsers and on phones cannot keep a secret: PKCE replaces it.
    client.client_type = "confidential" if is_script else "public"
    if not filled_form.is_valid():
        for faults in filled_form.errors.values():
            for fault in faults:
                messages.error(staff.request, str(fault))
        return None
    client = filled_form.save()
    date_format = DateFormat(filled_form.cleaned_data["date_format"] or DateFormat.ZULU)
    if date_format is not DateFormat.ZULU:
        set_date_format(client, date_format)
    record_action(
        staff.user, staff.last_workspace, "API client made", client.client_id,
        after={"name": client.name, "dateFormat": date_format.value},
    )  # fmt: skip
    messages.success(staff.request, gettext("The client is there."))
    return {"id": client.client_id, "secret": secret if is_script else ""}
