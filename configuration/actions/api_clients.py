"""What a person sets for an OAuth2 client of theirs."""

from __future__ import annotations

from typing import Any

from configuration.models import ApiClientAnswers
from contacthub_project.core.date_format import DateFormat


def set_date_format(client: Any, date_format: DateFormat) -> None:
    """How answers to the tokens of a client, an OAuth2 application, write moments."""
    ApiClientAnswers.objects.update_or_create(
        application=client, defaults={"date_format": date_format.value}
    )
