"""Failed sign-ins: how they are counted, and for how long they are stored."""

from __future__ import annotations

from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest
from django.utils import timezone

from configuration.models.user_session import LONGEST_USER_AGENT, SIGN_IN
from contacthub_project.api.authentication import sign_in_address
from contacthub_project.core.identifiers import new_id


class SignInAttempts(AxesDatabaseHandler):  # type: ignore[misc]
    """Counts failures by user name and address, and by address over all names.

    The second count limits attempts of one password for many names.
    """

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Return the number of recent failures; AXES_FAILURE_LIMIT or more lock the client out."""
        failures: int = super().get_failures(request, credentials)
        address = request.axes_ip_address  # type: ignore[attr-defined]
        if address is None:
            return failures
        attempts = AccessAttempt.objects.filter(
            ip_address=address, attempt_time__gte=get_cool_off_threshold(request)
        )
        of_address = attempts.aggregate(wrong=Sum("failures_since_start"))["wrong"] or 0
        if of_address >= settings.SIGN_IN_ATTEMPTS_PER_ADDRESS:
            return max(failures, int(settings.AXES_FAILURE_LIMIT))
        return failures


def note_sign_in(request: HttpRequest, **_: Any) -> None:
    """Record time, address and browser of a sign-in in its session.

    Receiver of Django's `user_logged_in`.
    """
    agent = request.META.get("HTTP_USER_AGENT", "").encode("ascii", "replace").decode()
    request.session[SIGN_IN] = {
        "id": str(new_id()),
        "at": timezone.now().isoformat(),
        "address": sign_in_address(request) if "REMOTE_ADDR" in request.META else None,
        "user_agent": agent.replace("\0", "")[:LONGEST_USER_AGENT],
    }


def forget_attempts() -> None:
    """Delete expired failures, which hold names and addresses."""
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    AccessAttempt.objects.filter(attempt_time__lt=since).delete()
