"""The valid tokens of a person."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from configuration.models import User


def access_tokens(person: User) -> Any:
    """Return the person's valid access tokens, those of their scripts included.

    Scripts get tokens by the grant client credentials.
    """
    by_script = Q(user=None, application__user=person)
    return (
        get_access_token_model()
        .objects.filter(Q(user=person) | by_script, expires__gt=timezone.now())
        .select_related("application")
    )


def refresh_tokens(person: User) -> Any:
    """Return the person's refresh tokens that are neither used nor revoked."""
    return (
        get_refresh_token_model()
        .objects.filter(user=person, revoked=None)
        .select_related("application", "access_token")
    )
