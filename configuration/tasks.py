"""Celery tasks; each calls one action."""

from __future__ import annotations

from celery import shared_task
from django.core.management import call_command
from oauth2_provider.models import clear_expired as clear_expired_tokens

from configuration.actions import (
    access_log,
    building,
    idempotency,
    rekeying,
    removal,
    signing_in,
)
from contacthub_project.messaging.enqueue import enqueue

SLICE_SECONDS = 20.0


@shared_task(name=removal.TASK)
def remove_deleted() -> None:
    """Re-key nodes and remove deleted data for a while; enqueue itself while work is left."""
    are_rekeyed = rekeying.rekey_all(seconds=SLICE_SECONDS)
    if not removal.remove_deleted(seconds=SLICE_SECONDS) or not are_rekeyed:
        enqueue(removal.TASK)


@shared_task(name=building.TASK)
def build_aggregates() -> None:
    """Build aggregate nodes for a while; enqueue itself while work is left."""
    if not building.build_all(seconds=SLICE_SECONDS):
        enqueue(building.TASK)


@shared_task(name="configuration.tasks.clear_expired")
def clear_expired() -> None:
    """Delete expired tokens, sessions and sign-in attempts."""
    clear_expired_tokens()
    call_command("clearsessions")
    signing_in.forget_attempts()


@shared_task(name="configuration.tasks.clear_old_keys")
def clear_old_keys() -> None:
    """Forget the idempotency keys of yesterday."""
    idempotency.clear_old_keys()


@shared_task(name="configuration.tasks.remove_old_audit_entries")
def remove_old_audit_entries() -> None:
    """Remove entries of the audit log that are older than AUDIT_DAYS."""
    access_log.remove_old_entries()
