"""Finds customers by their contacts other than the first: other e-mail addresses, numbers, fax."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db.models import Func, Q, TextField

from contacthub_project.core.text import folded

FEWEST_DIGITS = 5
SHORTEST_NUMBER = 8  # digits of a number that may lack its prefix
MOST_DIGITS = 30

HAS_OTHER_CONTACTS = Q(base__contacts__has_any_keys=["otherContacts", "fax"])


class OtherContactKeys(Func):
    """What people are found by of other contacts.

    See customers/sql/functions/other_contact_keys.sql.
    """

    function = "customers_other_contact_keys"
    output_field = ArrayField(TextField())


def email_keys(email: str) -> list[str]:
    """Return the key of an e-mail address."""
    return [f"email {folded(email)}"]


def phone_keys(digits: str) -> list[str]:
    """Return the keys of numbers that end with the digits, or that the digits end with.

    `digits` are at least FEWEST_DIGITS, without leading zeros.
    """
    if len(digits) > MOST_DIGITS:
        return []
    shorter = range(SHORTEST_NUMBER, len(digits))
    return [f"ends {digits}", *(f"is {digits[-each:]}" for each in shorter)]
