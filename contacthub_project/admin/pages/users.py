"""The page of a workspace's people: memberships, grants, roles and passwords."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.http.response import HttpResponseBase

from configuration.actions import users as actions
from configuration.actions.attribution import attributed_to
from configuration.models import User
from contacthub_project.admin.audit import record_action
from contacthub_project.admin.context import CONFIGURATION, WorkspaceContext
from contacthub_project.admin.form_fields import row_id
from contacthub_project.admin.refusals import ROLES
from contacthub_project.admin.site import page
from contacthub_project.core.errors import ContacthubError

PERMISSIONS = ("", "R", "W", "RW")


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new person."""

    username = forms.CharField(max_length=150, validators=[UnicodeUsernameValidator()])
    roles = forms.MultipleChoiceField(choices=ROLES)

    class Meta:
        model = User
        fields = ("username", "name", "surname", "email", "roles")


class ColleagueForm(forms.Form):
    """The user name of an existing person."""

    username = forms.CharField(max_length=150)


class RolesForm(forms.Form):
    """Roles of a person, and whether they may sign in."""

    roles = forms.MultipleChoiceField(choices=ROLES)
    is_active = forms.BooleanField(required=False)


@page(
    "settings/users/",
    "users",
    sensitive={
        "grants": "You change what somebody may do in which node.",
        "add": "You add a person.",
        "let-in": "You let somebody into a workspace.",
        "let-out": "You remove somebody from a workspace.",
        "standing": "You change somebody's roles, or whether they may use Contacthub.",
        "password": "You give somebody another password.",
        "second-factor": "You remove somebody's second factor.",
    },
)
def users(office: WorkspaceContext) -> HttpResponseBase:
    """List people and their grants; operators add and remove them."""
    form = office.request.POST
    nodes = office.everything(CONFIGURATION + "/nodes")
    act = form.get("act", "")
    if act == "grants":
        granted = [
            {"id": node["id"], "permission": form[f"node-{node['id']}"]}
            for node in nodes
            if form.get(f"node-{node['id']}")
        ]
        path = f"{office.configuration}/users/{form.get('id', '0')}"
        if office.done(
            office.api.write("PUT", path, {"nodes": granted}), "Permissions are changed."
        ):
            return office.go("users")
    elif act in ACTIONS and _done_by_operator(office, ACTIONS[act]):
        return office.go("users")
    people = office.everything(CONFIGURATION + "/users")
    ids = [each["id"] for each in people]
    known = User.objects.in_bulk(ids)
    with_second_factor = set(
        User.objects.with_second_factor().filter(id__in=ids).values_list("id", flat=True)
    )
    for person in people:
        held = {each["id"]: each["permission"] for each in person["nodes"]}
        person["matrix"] = [(node, held.get(node["id"], "")) for node in nodes]
        person["known"] = known.get(person["id"])
        person["has_second_factor"] = person["id"] in with_second_factor
    return office.show(
        "settings_users",
        "Users",
        people=people,
        nodes=nodes,
        permissions=PERMISSIONS,
        roles=ROLES.items(),
        may_write=office.may("PUT", CONFIGURATION + "/users/{id}"),
    )


def _done_by_operator(
    office: WorkspaceContext, action: Callable[[WorkspaceContext, Any], str]
) -> bool:
    """Do what only operators may: it gives access to other workspaces too."""
    if not office.is_operator:
        messages.error(office.request, "Only an operator may do this.")
        return False
    try:
        with attributed_to(office.user, workspace_id=office.workspace_id):
            text = action(office, office.request.POST)
    except ContacthubError as refused:
        messages.error(office.request, refused.message)
        return False
    except forms.ValidationError as refused:
        messages.error(office.request, " ".join(refused.messages))
        return False
    messages.success(office.request, text)
    return True


def _add(office: WorkspaceContext, form: Any) -> str:
    person = actions.add_person(office.workspace_id, **_cleaned(PersonForm(form)))
    text = f"{person} works here now."
    if form.get("password"):
        actions.set_password(person, form["password"])
        return f"{text} They can sign in with the password."
    return text


def _add_member(office: WorkspaceContext, form: Any) -> str:
    username = _cleaned(ColleagueForm(form))["username"]
    person = User.objects.filter(username=username).first()
    if person is None:
        raise forms.ValidationError(f"There is nobody with the user name {username}.")
    actions.add_member(person, office.workspace_id)
    record_action(office.user, office.workspace_id, "Person let in", person.username)
    return f"{person} works here now."


def _remove_member(office: WorkspaceContext, form: Any) -> str:
    person = _person(office, form)
    actions.remove_member(person, office.workspace_id)
    return f"{person} does not work here any more."


def _set_roles(office: WorkspaceContext, form: Any) -> str:
    person = _person(office, form)
    actions.set_roles(person, **_cleaned(RolesForm(form)))
    return f"{person} is changed."


def _set_password(office: WorkspaceContext, form: Any) -> str:
    person = _person(office, form)
    if not person.is_active:
        raise forms.ValidationError(f"{person} is locked out; unlock them first.")
    actions.set_password(person, form.get("password", ""))
    return f"{person} can sign in with the new password."


def _remove_second_factors(office: WorkspaceContext, form: Any) -> str:
    person = _person(office, form)
    actions.remove_second_factors(person)
    return f"{person} has no second factor any more."


ACTIONS: dict[str, Callable[[WorkspaceContext, Any], str]] = {
    "add": _add,
    "let-in": _add_member,
    "let-out": _remove_member,
    "standing": _set_roles,
    "password": _set_password,
    "second-factor": _remove_second_factors,
}


def _person(office: WorkspaceContext, form: Any) -> User:
    colleagues = User.objects.in_workspace(office.workspace_id)
    person: User | None = colleagues.filter(id=row_id(form.get("id", ""))).first()
    if person is None:
        raise forms.ValidationError("There is no such person in this workspace.")
    return person


def _cleaned(form: forms.BaseForm) -> dict[str, Any]:
    """Return the data of a form; raises ValidationError with all faults."""
    if not form.is_valid():
        raise forms.ValidationError(
            [f"{name}: {fault}" for name, faults in form.errors.items() for fault in faults]
        )
    return form.cleaned_data
