"""Forms of second factors and passwords with stricter checks of hostile or repeated input."""

from __future__ import annotations

import json
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import context
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.cache import cache
from django.utils.translation import gettext, gettext_lazy
from unfold.forms import AdminOwnPasswordChangeForm

from contacthub_project.admin.sign_in.flow import record_second_factor

LONGEST_CODE = 32
LONGEST_NAME = 100
LONGEST_CREDENTIAL = 64 * 1024
MOST_KEYS = 20


class OneUse:
    """Refuses a code that was accepted before, as long as it is valid.

    allauth stores it for one time step, but accepts codes of MFA_TOTP_TOLERANCE steps before and
    after.
    """

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        user = self.user  # type: ignore[attr-defined]
        seconds = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
        if not cache.add(f"second-factor:{user.pk}:{''.join(code.split())}", 1, timeout=seconds):
            raise get_adapter().validation_error("incorrect_code")
        return code


def _code_field() -> forms.CharField:
    attributes = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
    return forms.CharField(
        label=gettext("Code"), max_length=LONGEST_CODE, widget=forms.TextInput(attrs=attributes)
    )


class CodeForm(OneUse, AuthenticateForm):  # type: ignore[misc]
    """A TOTP or recovery code at sign-in."""

    code = _code_field()


class CodeAgainForm(OneUse, ReauthenticateForm):  # type: ignore[misc]
    """A TOTP or recovery code before a sensitive change."""

    code = _code_field()


class SetUpAppForm(OneUse, ActivateTOTPForm):  # type: ignore[misc]
    """The first code of an authenticator app."""

    code = _code_field()

    def clean_code(self) -> str:
        code = super().clean_code()
        record_second_factor(context.request, self.user)  # the set-up uses the second factor
        return code


class CredentialField(forms.Field):
    """The response of a passkey, a JSON object."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        try:
            credential = json.loads(value) if len(value) <= LONGEST_CREDENTIAL else None
        except (TypeError, ValueError, RecursionError):
            credential = None
        if not isinstance(credential, dict):
            raise get_adapter().validation_error("incorrect_code")
        return credential


class KeyForm(AuthenticateWebAuthnForm):  # type: ignore[misc]
    """The response of a passkey at sign-in."""

    credential = CredentialField()

    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            # The library expects what browsers send.
            raise get_adapter().validation_error("incorrect_code") from None


class KeyAgainForm(KeyForm, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """The response of a passkey before a sensitive change."""

    reauthenticated = True


class AddKeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST_NAME, required=False)
    credential = CredentialField()

    def clean(self) -> dict[str, Any]:
        if self.user.authenticator_set.count() > MOST_KEYS:
            raise forms.ValidationError(
                gettext("Nobody has more than {most_keys} passkeys.").format(most_keys=MOST_KEYS)
            )
        try:
            cleaned: dict[str, Any] = super().clean()
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            raise get_adapter().validation_error("incorrect_code") from None
        if cleaned.get("credential"):
            record_second_factor(context.request, self.user)
        return cleaned


class RenameKeyForm(EditWebAuthnForm):  # type: ignore[misc]
    """The name of a passkey."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST_NAME)


class OwnPasswordForm(AdminOwnPasswordChangeForm):  # type: ignore[misc]
    """A change of one's own password; wrong old ones count as failed sign-ins."""

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        adapter = get_account_adapter()
        if not adapter.reauthenticate(self.user, password):
            raise adapter.validation_error("incorrect_password")
        return password
