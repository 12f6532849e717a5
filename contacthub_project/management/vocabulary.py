"""Words of pages that no call of gettext names: they are in files of data."""

from __future__ import annotations

from collections.abc import Iterator

from configuration.domain.vocabulary import EVENT_TYPES
from contacthub_project.admin.help import helps


def words() -> Iterator[tuple[str, str]]:
    """Yield the file and the English of each word."""
    for event in EVENT_TYPES.values():
        yield "configuration/domain/catalogue/event_types.json", event.label
    for help_text in helps().values():
        yield "contacthub_project/admin/help/pages.toml", help_text.text
