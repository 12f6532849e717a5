"""The messages of pages: extracted from templates and Python, merged into catalogues, compiled.

By Babel, which needs no GNU gettext. Compiled catalogues are committed: running needs neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import django
import unfold
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.apps import apps
from django.conf import settings
from django.utils.translation.template import templatize

from contacthub_project.management.vocabulary import words

ROOT = Path(settings.BASE_DIR)
LOCALES = ROOT / "contacthub_project/locale"
PACKAGES = (
    "contacthub_project", "configuration", "customers", "events", "bulkjobs", "analytics",
    "segments",
)  # fmt: skip
# By the names of gettext's functions: which arguments are messages.
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
Message = tuple[int, str | tuple[str, ...], list[str], str | None]


def languages() -> list[str]:
    """Return the languages that have a catalogue: all but that of the messages themselves."""
    return [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def extracted() -> Catalog:
    """Return all messages of pages, without translations."""
    found = Catalog(project="Contacthub", charset="utf-8")
    for source in _sources():
        for line, message, _, context in _messages(source):
            if message:
                found.add(message, locations=[(_shown(source), line)], context=context)
    for path, word in words():
        found.add(word, locations=[(path, 0)])
    for path, message in _of_the_theme():
        found.add(message, locations=[(path, 0)])
    return found


def catalogue(language: str) -> Catalog:
    """Return the catalogue of a language."""
    with (_folder(language) / "django.po").open("rb") as file:
        return read_po(file, locale=language)


def compiled(language: str) -> Catalog:
    """Return the compiled catalogue of a language."""
    with (_folder(language) / "django.mo").open("rb") as file:
        return read_mo(file)


def update(language: str) -> Catalog:
    """Bring the messages of a language's catalogue up to date, and compile it."""
    known = catalogue(language)
    known.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
    known.obsolete.clear()
    folder = _folder(language)
    # Without numbers of lines, which would change with every change of a file.
    with (folder / "django.po").open("wb") as file:
        write_po(file, known, width=110, include_lineno=False, sort_by_file=True)
    (folder / "django.mo").write_bytes(as_mo(known))
    return known


def as_mo(known: Catalog) -> bytes:
    """Return a catalogue as it is compiled."""
    file = BytesIO()
    write_mo(file, known)
    return file.getvalue()


def _folder(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES"


def _sources() -> Iterator[Path]:
    yield from sorted((ROOT / "templates").rglob("*.html"))
    for package in PACKAGES:
        paths = sorted((ROOT / package).rglob("*.py"))
        yield from (path for path in paths if "migrations" not in path.parts)


def _messages(path: Path) -> Iterator[Message]:
    text = path.read_text()
    if path.suffix == ".html":
        # Its lines are indented as HTML is.
        text = "\n".join(line.strip() for line in templatize(text, origin=str(path)).split("\n"))
    elif "gettext" not in text:
        return
    yield from extract("python", BytesIO(text.encode()), keywords=KEYWORDS)


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _of_the_theme() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Yield the messages of the theme, which brings no catalogue, that no other app translates."""
    known = set(_of_other_apps())
    folder = Path(unfold.__file__).parent
    for path in sorted([*folder.rglob("*.html"), *folder.rglob("*.py")]):
        if "contrib" in path.parts and "filters" not in path.parts:
            continue
        for _, message, _, _ in _messages(path):
            if (message if isinstance(message, str) else message[0]) not in known:
                yield f"unfold/{path.relative_to(folder)}", message


def _of_other_apps() -> Iterator[str]:
    """Yield what Django and the other apps have translated into all languages."""
    folders = [Path(app.path) for app in apps.get_app_configs()] + [
        Path(django.__file__).parent / "conf"
    ]
    for folder in folders:
        path = folder / "locale" / languages()[0] / "LC_MESSAGES/django.mo"
        if ROOT not in folder.parents or ".venv" in folder.parts:
            yield from _ids(path)


def _ids(path: Path) -> Iterator[str]:
    if path.exists():
        with path.open("rb") as file:
            for each in read_mo(file):
                yield each.id if isinstance(each.id, str) else each.id[0]
