"""Pages of signing in and of reauthentication."""

from __future__ import annotations

from allauth.account.views import BaseReauthenticateView
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from configuration.models import User
from contacthub_project.admin.context import staff_context
from contacthub_project.admin.sign_in.flow import begin_session
from contacthub_project.admin.sign_in.forms import OwnPasswordForm
from contacthub_project.admin.sign_in.reauthentication import (
    KEPT,
    pending_form,
    require_reauthentication,
)

OMITTED = frozenset({"act", "id"})  # fields without meaning for people
HIDDEN = gettext_lazy("as you have typed it")
LABELS = {
    "username": gettext_lazy("User name"),
    "email": "E-mail",
    "is_active": gettext_lazy("May use Contacthub"),
}


class SignInView(LoginView):
    """User name and password; second factors follow."""

    template_name = "sign_in/sign_in.html"

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        assert isinstance(user, User)
        answer: HttpResponseBase = begin_session(
            self.request, user, method="password", redirect_to=self.get_success_url()
        )
        assert isinstance(answer, HttpResponse)
        return answer


class ReauthenticateByOpenIdConnectView(LoginRequiredMixin, BaseReauthenticateView):  # type: ignore[misc]
    """Links to the provider. Not a form: browsers do not follow its redirect to another site."""

    http_method_names = ["get", "head"]
    form_class = forms.Form
    template_name = "sign_in/reauthenticate_by_openid_connect.html"


def change_password(request: HttpRequest) -> HttpResponseBase:
    """Change one's own password, after the second factor, if any, and the old password."""
    assert isinstance(request.user, User), "the site has let nobody else in"
    if not request.user.has_usable_password():
        messages.error(request, gettext("You have no password here. An operator can give you one."))
        return redirect("admin:index")
    if request.user.has_second_factor():
        require_reauthentication(request)
    view = PasswordChangeView.as_view(
        form_class=OwnPasswordForm,
        success_url=reverse("admin:password_change_done"),
        extra_context=admin.site.each_context(request),
    )
    return view(request)


@login_required
def confirm_pending_form(request: HttpRequest) -> HttpResponseBase:
    """Display a pending form, to be submitted after the reauthentication."""
    require_reauthentication(request)
    name = request.GET.get("form", "")
    kept = pending_form(request, name)
    if kept is None:
        messages.error(
            request, gettext("This is not kept any more. Nothing has been done; do it anew.")
        )
        return redirect("admin:index")
    context = {
        "kept": kept,
        "field": KEPT,
        "name": name,
        "fields": _displayed_fields(request, kept.fields),
    }
    return render(request, "sign_in/confirm_pending_form.html", context)


def _displayed_fields(request: HttpRequest, fields: QueryDict) -> list[tuple[str, str]]:
    """Return the fields of a form for people: names of nodes instead of ids, and no secrets."""
    nodes = {
        node["id"]: node["name"]
        for workspace in staff_context(request).workspaces
        for node in workspace["nodes"]
    }
    texts = []
    for name, values in fields.lists():
        names = [nodes.get(value, value) for value in values if value]
        if names and name not in OMITTED:
            node = nodes.get(name.removeprefix("node-"))
            secret = name == "password"
            texts.append((node or _label(name), str(HIDDEN) if secret else ", ".join(names)))
    return texts


def _label(name: str) -> str:
    if name in LABELS:
        return str(LABELS[name])
    words = "".join(f" {each}" if each.isupper() else each for each in name).replace("_", " ")
    return words.strip().capitalize()
