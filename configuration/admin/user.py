"""People of a workspace: list, roles, grants, memberships, passwords and second factors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from configuration.actions import users as actions
from configuration.actions.attribution import attributed_to
from configuration.admin.user_filters import RoleFilter, SecondFactorFilter
from configuration.admin.user_form import MemberForm, PasswordForm, PersonForm, grant_fields
from configuration.models import Node, User
from contacthub_project.admin.audit import record_action
from contacthub_project.admin.confirmation import Confirmation
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.model_admin import WORKSPACE, WorkspaceModelAdmin
from contacthub_project.admin.refusals import role_name
from contacthub_project.admin.saving import RefusedByApi, SavesThroughApi, failures_as_refusals
from contacthub_project.admin.sign_in.reauthentication import hold_form
from contacthub_project.core.errors import Conflict, ContacthubError, NotFound

USERS = WORKSPACE + "/configuration/users"
LARGEST_ID = 18  # digits
MOST_NODES = 3
DETAILS = ("username", "name", "surname", "email")
SECOND_FACTORS = ("totp", "webauthn")


@admin.register(User)
class UserAdmin(SavesThroughApi, WorkspaceModelAdmin):
    """People who work in the workspace. Only operators add them and change roles."""

    operations = {"view": ("GET", USERS), "change": ("PUT", USERS + "/{id}")}
    api_path = "/configuration/users"
    sensitive = {
        "add": _("You add a person."),
        "change": _("You change what somebody may do."),
        "add_to_workspace": _("You let somebody into a workspace."),
        "remove_from_workspace": _("You remove somebody from a workspace."),
        "set_password": _("You give somebody another password."),
        "remove_second_factor": _("You remove somebody's second factor."),
    }
    form = PersonForm
    list_display = (
        "displayed_name", "username", "email", "displayed_roles", "displayed_nodes",
        "displayed_second_factor", "displayed_state",
    )  # fmt: skip
    list_display_links = ("displayed_name", "username")
    list_filter = (RoleFilter, "is_active", SecondFactorFilter)
    search_fields = ("name", "surname", "username", "email")
    search_help_text = _("Name, user name or e-mail")
    ordering = ("surname", "name", "id")
    sortable_by = ("displayed_name", "username", "email", "displayed_state")
    actions_list = ("add_to_workspace",)
    actions_detail = (
        "show_access",
        "set_password",
        "remove_second_factor",
        "remove_from_workspace",
    )

    def has_operator_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the person is an operator: it gives access to other workspaces too."""
        return self.has_view_permission(request) and self.staff(request).is_operator

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_operator_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        office = self.office(request)
        if office is None:
            nobody: QuerySet[Any] = User.objects.none()
            return nobody
        factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=SECOND_FACTORS)
        people = User.objects.in_workspace(office.workspace_id)
        everybody: QuerySet[Any] = people.with_grants_in(office.workspace_id)
        everybody = everybody.annotate(has_factor=Exists(factors))
        return everybody

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        is_number = object_id.isascii() and object_id.isdigit() and len(object_id) <= LARGEST_ID
        return super().get_object(request, object_id, from_field) if is_number else None

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": DETAILS}), (_("Sign-in"), {"fields": ("roles", "password")})]
        grants = {
            "fields": tuple(self._grant_fields(request)),
            "description": _(
                "Operators, administrators and privacy officers reach all nodes, whatever stands"
                " here."
            ),
        }
        is_operator = self.has_operator_permission(request)
        roles = ("roles", "is_active") if is_operator else ("displayed_roles", "displayed_state")
        parts = [(None, {"fields": DETAILS}), (_("Roles"), {"fields": roles})]
        if grants["fields"] and self.has_change_permission(request, obj):
            parts.insert(1, (_("Permissions in nodes"), grants))
        return parts

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else (*DETAILS, "displayed_roles", "displayed_state")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the form, with a field for each node of the workspace."""
        if obj is not None:
            fields: dict[str, Any] = self._grant_fields(request)
            fields |= {"username": None, "password": None}
            if not self.has_operator_permission(request):
                fields["roles"] = None
            kwargs["form"] = type("PersonForm", (PersonForm,), fields)
        return super().get_form(request, obj, change=change, **kwargs)

    def _grant_fields(self, request: HttpRequest) -> dict[str, Any]:
        office = self.office(request)
        assert office is not None, "without a workspace there is nobody to be shown"
        if not hasattr(request, "granted_nodes"):
            nodes = list(Node.objects.in_workspace(office.workspace_id))
            request.granted_nodes = nodes  # type: ignore[attr-defined]
        return grant_fields(request.granted_nodes)  # type: ignore[attr-defined]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Add a person, or change roles (for operators) and grants, by the API; all or nothing."""
        office = self.office(request)
        assert office is not None, "without a workspace the form is refused"
        given = form.cleaned_data
        with transaction.atomic():
            if not change:
                self._add(request, obj, given)
                return
            if {"roles", "is_active"} & set(form.changed_data) and office.is_operator:
                with failures_as_refusals(), self._attributed(office):
                    actions.set_roles(obj, roles=given["roles"], is_active=given["is_active"])
            if form.has_changed_grants:
                path = self.get_api_path(request, obj)
                reply = self.api(request).write("PUT", path, {"nodes": form.grants})
                if not reply.is_good:
                    raise RefusedByApi(reply)

    def _add(self, request: HttpRequest, obj: User, given: dict[str, Any]) -> None:
        office = self.office(request)
        assert office is not None, "without a workspace the form is refused"
        details = {name: given[name] for name in (*DETAILS, "roles")}
        with failures_as_refusals(), self._attributed(office):
            person = actions.add_person(office.workspace_id, **details)
            if given["password"]:
                actions.set_password(person, given["password"])
        obj.pk = person.pk
        obj._state.adding = False

    def _attributed(self, office: WorkspaceContext) -> Any:
        return attributed_to(office.user, workspace_id=office.workspace_id)

    @action(description=_("Let somebody in"), icon="person_add", permissions=["operator"])
    def add_to_workspace(self, request: HttpRequest) -> HttpResponseBase:
        """Ask for a user name, and add the person to the workspace."""
        held_back = hold_form(request, self.sensitive_act("add_to_workspace"))
        if held_back is not None:
            return held_back
        form = MemberForm(request.POST if "username" in request.POST else None)
        confirmation = Confirmation(
            title=_now("Let somebody in who works elsewhere"),
            what=_now("They keep their roles and password; permissions in nodes are given then."),
            action=_now("Let in"),
            form=form,
            is_dangerous=False,
        )

        def add_member(office: WorkspaceContext, _person: Any) -> str:
            username = form.cleaned_data["username"]
            person = User.objects.filter(username=username).first()
            if person is None:
                raise NotFound(_now("There is nobody with the user name %s.") % username)
            actions.add_member(person, office.workspace_id)
            record_action(office.user, office.workspace_id, "Person let in", person.username)
            return str(_now("%s works here now.") % person)

        return self._confirmed(request, "add_to_workspace", None, confirmation, add_member)

    @action(description=_("Sessions and tokens"), icon="devices", permissions=["operator"])
    def show_access(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Lead to what the person is signed in with."""
        person = self._found(request, object_id)
        return HttpResponseRedirect(f"{reverse('office:access')}?person={person.pk}")

    @action(description=_("Set a password"), icon="password", permissions=["operator"])
    def set_password(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Ask for a password, and set it; it opens the back-office."""
        held_back = hold_form(request, self.sensitive_act("set_password"))
        if held_back is not None:
            return held_back
        person = self._found(request, object_id)
        form = PasswordForm(request.POST if "password" in request.POST else None)
        confirmation = Confirmation(
            title=_now("Another password for %s?") % person,
            what=_now(
                "Their sessions and tokens end. They can sign in to the back-office with it."
            ),
            action=_now("Set the password"),
            form=form,
            is_dangerous=False,
        )

        def set_password(office: WorkspaceContext, person: Any) -> str:
            if not person.is_active:
                raise Conflict(_now("%s is locked out; unlock them first.") % person)
            actions.set_password(person, form.cleaned_data["password"])
            return str(_now("%s can sign in with the new password.") % person)

        return self._confirmed(request, "set_password", person, confirmation, set_password)

    @action(description=_("Remove the second factor"), icon="lock_reset", permissions=["operator"])
    def remove_second_factor(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Ask, and remove somebody's second factors."""
        person = self._found(request, object_id)
        confirmation = Confirmation(
            title=_now("Remove the second factor of %s?") % person,
            what=_now(
                "Do it when their phone, passkeys and recovery codes are lost, and only when you"
                " know that it is they who ask. Their sessions and tokens end."
            ),
            action=_now("Remove"),
        )

        def remove(office: WorkspaceContext, person: Any) -> str:
            actions.remove_second_factors(person)
            return str(_now("%s has no second factor any more.") % person)

        return self._confirmed(request, "remove_second_factor", person, confirmation, remove)

    @action(description=_("Remove from this workspace"), icon="logout", permissions=["operator"])
    def remove_from_workspace(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Ask, and remove somebody from the workspace with their grants."""
        person = self._found(request, object_id)
        confirmation = Confirmation(
            title=_now("Have %s no longer work in this workspace?") % person,
            what=_now("Their permissions here go too, and their sessions and tokens end."),
            action=_now("Remove"),
        )

        def remove(office: WorkspaceContext, person: Any) -> str:
            actions.remove_member(person, office.workspace_id)
            return str(_now("%s does not work here any more.") % person)

        return self._confirmed(request, "remove_from_workspace", person, confirmation, remove)

    def _confirmed(
        self,
        request: HttpRequest,
        name: str,
        person: User | None,
        confirmation: Confirmation,
        done: Callable[[WorkspaceContext, Any], str],
    ) -> HttpResponseBase:
        """Ask again who it is, show the question, then do it and show the list."""
        held_back = hold_form(request, self.sensitive_act(name))
        if held_back is not None:
            return held_back
        page = confirmation.page(request, self, person)
        if page is not None:
            return page
        office = self.office(request)
        assert office is not None, "without a workspace there is no permission"
        try:
            with self._attributed(office):
                messages.success(request, done(office, person))
        except ContacthubError as refused:
            messages.error(request, refused.message)
        return HttpResponseRedirect(reverse("admin:configuration_user_changelist"))

    def _found(self, request: HttpRequest, object_id: str) -> User:
        person: User | None = self.get_object(request, object_id)
        if person is None:
            raise Http404
        return person

    @display(description=_("Name"), ordering="surname")
    def displayed_name(self, person: User) -> str:
        return str(person)

    @display(description=_("Roles"))
    def displayed_roles(self, person: User) -> str:
        return ", ".join(role_name(each) for each in person.roles)

    @display(description=_("Nodes"))
    def displayed_nodes(self, person: Any) -> str:
        return str(len(person.grants_here)) if person.grants_here else ""

    @display(description=_("Second factor"), boolean=True)
    def displayed_second_factor(self, person: Any) -> bool:
        return bool(person.has_factor)

    @display(
        description=_("State"), ordering="is_active",
        label={"active": "success", "locked out": "danger"},
    )  # fmt: skip
    def displayed_state(self, person: User) -> tuple[str, str]:
        if person.is_active:
            return "active", gettext("active")
        return "locked out", gettext("locked out")
