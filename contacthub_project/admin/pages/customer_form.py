"""The sections of the form of a customer: what is needed every day is open, the rest folded."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext, gettext_noop

from contacthub_project.admin.form_fields import Field
from contacthub_project.admin.form_sections import Section
from contacthub_project.admin.pages.customer_consents import PURPOSES

# Headings, each with paths or the beginnings of paths (ending with a dot), in order. The first
# section is open.
SECTIONS: dict[str, tuple[str, ...]] = {
    gettext_noop("Person"): (
        "base.firstName", "base.lastName", "base.contacts.email", "base.contacts.mobilePhone",
        "base.contacts.phone", "base.dob", "base.gender", "base.locale",
    ),
    gettext_noop("More about the person"): (
        "base.title", "base.prefix", "base.middleName", "base.timezone", "base.pictureUrl",
    ),
    gettext_noop("Address"): ("base.address.",),
    gettext_noop("Other ways to reach them"): ("base.contacts.",),
    gettext_noop("Subscriptions"): ("base.subscriptions",),
    gettext_noop("Consents"): ("consents.",),
    gettext_noop("Tags"): ("tags.",),
    gettext_noop("Own properties"): ("extended", "extended."),
    gettext_noop("Jobs"): ("base.jobs",),
    gettext_noop("Education"): ("base.educations",),
    gettext_noop("Likes"): ("base.likes",),
    gettext_noop("Social profiles"): ("base.socialProfile.",),
    gettext_noop("Sign-in of the customer"): ("base.credential.",),
    gettext_noop("Record"): ("",),
}  # fmt: skip
FLAGS = ("status", "limitation", "objection")


def customer_sections(fields: list[Field]) -> list[Section]:
    """Return the fields by section; every field is in exactly one."""
    left = {each.path: each for each in fields if not _is_void(each)}
    sections: list[Section] = []
    for title, places in SECTIONS.items():
        held = [left.pop(path) for place in places for path in _matching(place, left)]
        is_open = not sections
        if title == "Consents":
            section = _consents(gettext(title), held)
        else:
            section = Section(gettext(title), held, is_open=is_open)
        if held:
            sections.append(section)
    return sections


def _is_void(field: Field) -> bool:
    """Return whether a field is of own properties in a workspace that has none."""
    return field.path == "extended" and field.kind == "json" and not field.text


def _matching(place: str, left: dict[str, Field]) -> list[str]:
    if place and not place.endswith("."):
        return [place] if place in left else []
    return [path for path in left if path.startswith(place)]


def _consents(title: str, fields: list[Field]) -> Section:
    """Return the section with a row for each channel, and other fields below."""
    left = {each.path: each for each in fields}

    def cells(path: str) -> Iterator[Field]:
        for flag in FLAGS:
            if (known := left.pop(f"consents.{path}.{flag}", None)) is not None:
                yield known

    matrix = []
    for purpose, channels in PURPOSES.items():
        rows = [
            (gettext(channel), held)
            for channel, path in channels.items()
            if (held := list(cells(path)))
        ]
        if rows:
            matrix.append((gettext(purpose), rows))
    return Section(title, list(left.values()), matrix=matrix)
