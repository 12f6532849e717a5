"""Attempts to sign in: kept as long as they keep somebody out."""

from __future__ import annotations

from axes.models import AccessAttempt
from django.conf import settings
from django.utils import timezone


def forget_attempts() -> None:
    """Forget wrong passwords that nobody has to wait for any more, with names and addresses."""
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    AccessAttempt.objects.filter(attempt_time__lt=since).delete()
