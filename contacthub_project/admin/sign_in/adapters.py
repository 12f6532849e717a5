"""Adapters of allauth: authentication backend, reauthentication, encryption of secrets."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from configuration.models import User
from contacthub_project.admin.sign_in.reauthentication import require_reauthentication
from contacthub_project.api.authentication import sign_in_address
from contacthub_project.db.encryption import SECOND_FACTORS, decrypt, encrypt

PASSWORDS = "django.contrib.auth.backends.ModelBackend"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """No sign-up; second factors are required at sign-in and before sensitive changes."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": gettext_lazy(
            "That was wrong too often. Wait a quarter of an hour."
        ),
        "rate_limited": gettext_lazy("That was wrong too often. Wait a quarter of an hour."),
        "incorrect_password": gettext_lazy("This is not your password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        return [
            "allauth.mfa.stages.AuthenticateStage",
            "contacthub_project.admin.sign_in.flow.UnchangedAccessStage",
        ]

    def login(self, request: HttpRequest, user: Any) -> None:
        # Not the first of the backends, which allauth would take: it cannot load users.
        user.backend = PASSWORDS
        super().login(request, user)

    def get_client_ip(self, request: HttpRequest) -> str:
        return sign_in_address(request) or ""

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Return second factors if there are any: a password must not suffice to remove them.

        Otherwise the password, if there is one, and the provider of OpenID Connect.
        """
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        second = [each for each in methods if each["id"].startswith("mfa_")]
        if not second and user.is_authenticated and user.email and settings.OPENID_CONNECT_ISSUER:
            methods.append(
                {
                    "id": "openid_connect",
                    "description": gettext("Sign in again by {openid_connect_name}").format(
                        openid_connect_name=settings.OPENID_CONNECT_NAME
                    ),
                    "url": reverse("reauthenticate-by-openid-connect"),
                }
            )
        return second or methods

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Raise ReauthenticationRequired if it is, for allauth's pages as for ours.

        allauth would require nothing of users without password and second factor.
        """
        require_reauthentication(context.request)
        return False

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        """Show a message, except those that repeat what the page shows."""
        if message_template is None or not message_template.startswith("account/"):
            super().add_message(request, level, message_template, *args, **kwargs)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Encrypts seeds with ENCRYPTION_KEYS."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy("This is not right, or has been used already.")
    }

    def encrypt(self, text: str) -> str:
        return encrypt(text, purpose=SECOND_FACTORS).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text.encode(), purpose=SECOND_FACTORS)

    def get_totp_label(self, user: User) -> str:
        return user.username

    def _get_user_identifier(self, user: User) -> str:
        return user.username

    def _get_site_name(self) -> str:
        return "Contacthub"
