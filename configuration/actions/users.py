"""People and their tokens."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.utils import timezone
from oauth2_provider.models import get_access_token_model, set_token_value

from configuration.models import User


def issue_access_token(user: User, *, lasting: timedelta) -> str:
    """A token for a person without the OAuth2 dance; for demos and scripts of the operator.

    Only its hash is stored.
    """
    token = secrets.token_urlsafe(32)
    access = get_access_token_model()(user=user, expires=timezone.now() + lasting, scope="hub")
    set_token_value(access, token)
    access.save()
    return token
