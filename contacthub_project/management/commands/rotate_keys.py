"""`manage.py rotate_keys`: encrypt all secrets again under the first key of ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from configuration.actions.send_sources import reencrypt_api_keys
from configuration.models import Workspace
from contacthub_project.db.encryption import SECOND_FACTORS, reencrypt
from customers.actions.journal_keys import reencrypt_journals
from customers.actions.password_keys import reencrypt_passwords

SEEDS = ("secret", "seed")


class Command(BaseCommand):
    help = (
        "Encrypt everything that is stored encrypted with the first of ENCRYPTION_KEYS, so that the"
        " keys behind it can go. Can be broken off and begun anew."
    )

    def handle(self, **_: Any) -> None:
        done, unreadable = _reencrypt_seeds()
        self.stdout.write(f"seeds of second factors: {done}")
        try:
            self.stdout.write(f"API keys of send sources: {reencrypt_api_keys()}")
        except InvalidToken:
            raise CommandError("No key fits the API key of a send source") from None
        passwords = journals = 0
        for workspace_id in Workspace.objects.present().order_by("id").values_list("id", flat=True):
            some, some_unreadable = reencrypt_passwords(workspace_id)
            kept, kept_unreadable = reencrypt_journals(workspace_id)
            passwords, journals = passwords + some, journals + kept
            unreadable += some_unreadable + kept_unreadable
        self.stdout.write(f"passwords of customers: {passwords}")
        self.stdout.write(f"passwords in journals of merges: {journals}")
        if unreadable:
            raise CommandError(f"No key fits {unreadable} secrets: keep looking for their key")


def _reencrypt_seeds() -> tuple[int, int]:
    """Return how many seeds are under the first key now, and how many no key can decrypt."""
    done = unreadable = 0
    for pk in Authenticator.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            authenticator = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if authenticator is None:
                continue
            for name in SEEDS:
                stored = authenticator.data.get(name)
                if stored is None:
                    continue
                try:
                    token = reencrypt(stored.encode(), purpose=SECOND_FACTORS)
                except InvalidToken:
                    unreadable += 1
                    continue
                authenticator.data[name] = token.decode()
                done += 1
            authenticator.save(update_fields=["data"])
    return done, unreadable
