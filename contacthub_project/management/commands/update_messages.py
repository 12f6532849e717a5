"""`manage.py update_messages`: extract the messages of pages, and compile the catalogues."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Bring the catalogues of messages up to date with templates and Python."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        from contacthub_project.management import messages  # Babel is not there when running

        for language in messages.languages():
            known = messages.update(language)
            missing = [each.id for each in known if each.id and not each.string]
            self.stdout.write(f"{language}: {len(known)} messages, {len(missing)} not translated")
            for each in missing:
                self.stdout.write(f"  {each}")
