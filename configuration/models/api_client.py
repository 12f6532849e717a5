"""Settings of OAuth2 clients beyond their registration."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import Application

from contacthub_project.core.date_format import DateFormat


class ApiClient(Application):
    """An OAuth2 client of a person, as the back-office lists it."""

    class Meta:
        proxy = True
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")

    @property
    def date_format(self) -> str:
        """How timestamps end in answers to the client."""
        answers: ApiClientAnswers | None = getattr(self, "answers", None)
        return answers.date_format if answers is not None else DateFormat.ZULU.value


class ApiClientAnswers(models.Model):
    """The format of answers to a client; without a row the defaults apply."""

    application = models.OneToOneField(
        "oauth2_provider.Application",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="answers",
    )
    date_format = models.CharField(
        max_length=5,
        choices=[(each.value, each.value) for each in DateFormat],
        default=DateFormat.ZULU.value,
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(date_format__in=[each.value for each in DateFormat]),
                name="api_client_date_format_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id}: {self.date_format}"
