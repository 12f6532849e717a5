"""The registry of products that occur in events."""

from __future__ import annotations

from django.db import models

from configuration.models import Workspace
from contacthub_project.core.identifiers import new_id
from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.querysets import TenantQuerySet
from events.domain.product_facts import LONGEST_ID


class Product(TenantModel):
    """`product_id` is the client's; `price` is that of the latest event."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="products")
    product_id = models.CharField(max_length=LONGEST_ID)
    sku = models.TextField(null=True, blank=True)
    name = models.TextField(null=True, blank=True)
    price = models.DecimalField(max_digits=24, decimal_places=6, null=True, blank=True)
    categories = models.JSONField(default=list, blank=True)
    extended = models.JSONField(default=dict, blank=True)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    objects = TenantQuerySet["Product"].as_manager()

    class Meta:
        ordering = ["product_id"]
        constraints = [
            TenantPrimaryKey(name="product_key"),
            models.UniqueConstraint(fields=["workspace", "product_id"], name="product_once"),
        ]
        indexes = [
            models.Index(fields=["workspace", "-last_seen"], name="product_last_seen"),
        ]

    def __str__(self) -> str:
        return self.name or self.product_id
