"""An application that writes or reads: its token, and the nodes it works in."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from configuration.domain.tokens import token_hash
from configuration.models.node import Node
from configuration.models.workspace import Workspace
from contacthub_project.core.date_format import DateFormat
from contacthub_project.core.identifiers import new_id

if TYPE_CHECKING:
    from uuid import UUID


DATE_FORMATS = [(each.value, each.value) for each in DateFormat]


class SourceProvider(models.TextChoices):
    API = "API"
    JAVASCRIPT = "JavaScript"
    MAGENTO = "MAGENTO"
    CONTACTSEND = "CONTACTSEND"
    CONTACTPLAN = "CONTACTPLAN"
    ANDROID_SDK = "ANDROID_SDK"
    OBJECTIVEC_SDK = "OBJECTIVEC_SDK"
    NODEJS_SDK = "NODEJS_SDK"
    JAVA_SDK = "JAVA_SDK"
    SCALA_SDK = "SCALA_SDK"
    DOTNET_SDK = "DOTNET_SDK"


class SourceQuerySet(models.QuerySet["Source"]):
    def in_workspace(self, workspace_id: UUID) -> SourceQuerySet:
        return self.filter(workspace_id=workspace_id)


class Source(models.Model):
    """`token_hash` is the SHA-256 of the token; the token itself is shown once and kept nowhere.

    A source that is not `trusted` is used where its token can be read, as in a web page; sources of
    provider API may be either, those of the others are what their provider says. `date_format` is
    how answers to it write moments.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="sources")
    provider = models.CharField(max_length=32, choices=SourceProvider.choices)
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=1000, null=True, blank=True)
    enabled = models.BooleanField(default=True)
    trusted = models.BooleanField(default=True)
    date_format = models.CharField(
        max_length=5, choices=DATE_FORMATS, default=DateFormat.ZULU.value
    )
    properties = models.JSONField(default=dict, blank=True)
    nodes = models.ManyToManyField(Node, related_name="sources")
    token_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(provider__in=SourceProvider.values), name="source_provider_known"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="source_named"),
            models.CheckConstraint(
                condition=Q(provider=SourceProvider.API)
                | (Q(provider=SourceProvider.JAVASCRIPT) & Q(trusted=False))
                | (~Q(provider=SourceProvider.JAVASCRIPT) & Q(trusted=True)),
                name="source_trust_of_provider",
            ),
            models.CheckConstraint(
                condition=Q(date_format__in=[each.value for each in DateFormat]),
                name="source_date_format_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def has_token(self, token: str) -> bool:
        """Whether this is the source's token; takes the same time whatever it is."""
        return hmac.compare_digest(bytes(self.token_hash), token_hash(token))
