"""The form of a person: who they are, their roles, and what they may do in each node."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from configuration.models import Node, NodePermission, User
from contacthub_project.admin.api_form import ApiModelForm
from contacthub_project.admin.refusals import ROLES

GRANT = "node_"  # the prefix of the fields of grants
PERMISSIONS = [
    ("", _("nothing")),
    (NodePermission.READ.value, _("read")),
    (NodePermission.WRITE.value, _("write")),
    (NodePermission.READ_WRITE.value, _("read and write")),
]


class GrantField(forms.ChoiceField):
    """What a person may do in a node."""

    def __init__(self, node: Node) -> None:
        super().__init__(
            label=node.name, choices=PERMISSIONS, required=False, widget=UnfoldAdminSelectWidget()
        )
        self.node_id = node.id


class PersonForm(ApiModelForm):
    """A person of the workspace; fields of grants are added by `with_grants`."""

    class Meta:
        model = User
        fields = ("username", "name", "surname", "email", "roles", "is_active")

    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    roles = forms.MultipleChoiceField(
        label=_("Roles, in all workspaces"),
        choices=list(ROLES.items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    password = forms.CharField(
        label=_("Password"),
        help_text=_("To sign in to the back-office with; can be set later."),
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            held = {each.node_id: each.permission for each in self.instance.grants_here}
            for name, field in self.fields.items():
                if isinstance(field, GrantField):
                    self.initial[name] = held.get(field.node_id, "")

    @property
    def grants(self) -> list[dict[str, str]]:
        """The grants that are chosen, as the API takes them."""
        return [
            {"id": str(field.node_id), "permission": self.cleaned_data[name]}
            for name, field in self.fields.items()
            if isinstance(field, GrantField) and self.cleaned_data.get(name)
        ]

    @property
    def has_changed_grants(self) -> bool:
        return any(name.startswith(GRANT) for name in self.changed_data)


class PasswordForm(forms.Form):
    """Another password of a person."""

    password = forms.CharField(
        label=_("New password"),
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )


class MemberForm(forms.Form):
    """The user name of an existing person."""

    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )


def grant_fields(nodes: list[Node]) -> dict[str, GrantField]:
    """Return a field for each node, by name."""
    return {f"{GRANT}{node.id.hex}": GrantField(node) for node in nodes}
