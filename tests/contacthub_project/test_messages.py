"""The catalogues of messages are complete, compiled, and keep what stands for values."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog, Message

from contacthub_project.management import messages

LANGUAGES = messages.languages()
PLACEHOLDERS = re.compile(r"%\(\w+\)s|\{\w*\}|%%")
TAGS = re.compile(r"</?[a-z]+")


@pytest.fixture(scope="module")
def extracted() -> Catalog:
    return messages.extracted()


def texts(message: Message) -> list[tuple[str, str]]:
    """The original and the translation, of each form of a plural."""
    if isinstance(message.id, tuple):
        return [(message.id[-1], form) for form in message.string]
    return [(message.id, message.string)]


def entries(catalogue: Catalog) -> list[Message]:
    return [each for each in catalogue if each.id]


def test_all_messages_are_found(extracted: Catalog) -> None:
    known = {each.id for each in entries(extracted)}
    assert len(known) > 1500
    of_template, of_python, of_data = "Times are those of %(zone)s.", "Welcome", "Abandoned cart"
    assert known >= {of_template, of_python, of_data, ("{count} customer", "{count} customers")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_translated(language: str, extracted: Catalog) -> None:
    """`manage.py update_messages` adds what is missing."""
    known = messages.catalogue(language)
    assert not known.obsolete
    assert {each.id for each in entries(known)} == {each.id for each in entries(extracted)}
    for each in entries(known):
        assert not each.fuzzy, each.id
        assert all(text.strip() for _, text in texts(each)), each.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_values_and_tags(language: str) -> None:
    for each in entries(messages.catalogue(language)):
        for original, translated in texts(each):
            for kept in (PLACEHOLDERS, TAGS):
                assert sorted(kept.findall(translated)) == sorted(kept.findall(original)), each.id
            assert (original[:1] == " ") == (translated[:1] == " "), each.id
            # Some stand within the quotes of an attribute.
            assert '"' not in translated or '"' in original, each.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_catalogues_are_up_to_date(language: str) -> None:
    written = {first_of(each.id): each.string for each in entries(messages.catalogue(language))}
    compiled = {first_of(each.id): each.string for each in entries(messages.compiled(language))}
    assert compiled.keys() == written.keys()
    for original, translated in written.items():
        assert list(compiled[original]) == list(translated), original


def first_of(message: object) -> object:
    """The message, the singular of one with a plural."""
    return message if isinstance(message, str) else message[0]  # type: ignore[index]
