"""Sources: applications with their token and nodes."""

from __future__ import annotations

import hmac

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from configuration.domain.tokens import token_hash
from configuration.models.node import Node
from configuration.models.workspace import Workspace
from contacthub_project.core.date_format import DateFormat
from contacthub_project.core.identifiers import new_id
from contacthub_project.db.keys import TenantForeignKey, TenantForeignKeyConstraint
from contacthub_project.db.querysets import TenantQuerySet

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


class Source(models.Model):
    """An application; `token_hash` is the SHA-256 of its token, which is shown once.

    The token of a source that is not `trusted` is public, as in a web page. Sources of provider API
    may be either; for other providers it is fixed. `date_format` is the format of timestamps in
    answers.
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
    nodes = models.ManyToManyField(Node, through="SourceNode", related_name="sources")
    token_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    objects = TenantQuerySet["Source"].as_manager()

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
        """Return whether this is the source's token; in constant time."""
        return hmac.compare_digest(bytes(self.token_hash), token_hash(token))


class SourceNode(models.Model):
    """A source writes into a node of its workspace."""

    workspace_id = models.UUIDField()
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="source_nodes")
    node = TenantForeignKey(Node, on_delete=models.DO_NOTHING, related_name="source_nodes")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "node"], name="source_node_once"),
            TenantForeignKeyConstraint(
                field="node_id", to="configuration.Node", name="source_node_of_workspace"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} in {self.node_id}"
