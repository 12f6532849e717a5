"""Functions of PostgreSQL in queries and indexes of customers."""

from __future__ import annotations

from django.db import models
from django.db.models import Func


class Folded(Func):
    """Text compared ignoring case and surrounding space.

    See customers/sql/functions/case_folding.sql.
    """

    function = "customers_folded"
    output_field = models.TextField()


class Unaccented(Func):
    """Text compared ignoring case and diacritics.

    See customers/sql/functions/case_folding.sql.
    """

    function = "customers_unaccented"
    output_field = models.TextField()


class DialledBackwards(Func):
    """The digits of a telephone number, the last first.

    So that a number without the country's prefix is the beginning of the same with it.
    """

    function = "reverse"
    template = r"%(function)s(regexp_replace(%(expressions)s, '[^0-9]', '', 'g'))"
    output_field = models.TextField()


class NextIntId(Func):
    """The next value of the sequence of customers' integer ids, shared by all workspaces."""

    function = "nextval"
    template = "%(function)s('customers_customer_int_id_seq')"
