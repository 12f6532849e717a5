"""Blank text, case-insensitive comparison of text, and names as words."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

# The white space of `str.strip`, listed for SQL, where it depends on the locale.
WHITESPACE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
DIACRITICS = re.compile("[\u0300-\u036f]")
WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")


def folded(text: str) -> str:
    """Return a form that is equal for texts that differ only in case, outer space or form."""
    if text.isascii():  # every form of it is the same
        return text.strip().lower()
    # Folding can break the normal form, and normalising its result can change the folding.
    decomposed = unicodedata.normalize("NFD", text.strip())
    return unicodedata.normalize("NFC", decomposed.casefold()).strip()


def unaccented(text: str) -> str:
    """Return a form that is equal for texts that differ only in case or diacritics.

    The same as customers_unaccented of PostgreSQL (customers/sql/functions/case_folding.sql).
    """
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())
    return DIACRITICS.sub("", decomposed)


def is_blank(value: Any) -> bool:
    """Return whether the value is text of white space only, which counts as no value."""
    return isinstance(value, str) and not value.strip()


def humanized(name: str) -> str:
    """Return `firstName` and `first_name` as `First name`."""
    return WORD_BOUNDARY.sub(" ", name).strip().capitalize()
