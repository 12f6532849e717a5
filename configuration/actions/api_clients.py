"""Settings of OAuth2 clients beyond their registration."""

from __future__ import annotations

from typing import Any

from configuration.models import ApiClientAnswers
from contacthub_project.core.date_format import DateFormat


def set_date_format(client: Any, date_format: DateFormat) -> None:
    """Set the format of timestamps in answers to a client's tokens."""
    ApiClientAnswers.objects.update_or_create(
        application=client, defaults={"date_format": date_format.value}
    )
