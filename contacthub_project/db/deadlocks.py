"""Repeats transactions that PostgreSQL has ended because of a deadlock."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection
from psycopg.errors import DeadlockDetected

ATTEMPTS = 5
LONGEST_PAUSE = 0.1  # seconds, so that the same two do not meet again

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def repeated_on_deadlock(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Run a function that is a transaction again when it was the victim of a deadlock.

    At most five times. Within a transaction of the caller, which is lost as a whole, the error is
    the caller's.
    """

    @functools.wraps(function)
    def repeated(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return function(*args, **kwargs)
            except OperationalError as failure:
                is_deadlock = isinstance(failure.__cause__, DeadlockDetected)
                if not is_deadlock or connection.in_atomic_block or attempt == ATTEMPTS:
                    raise
            time.sleep(random.uniform(0, LONGEST_PAUSE))  # noqa: S311
        raise AssertionError("the last attempt returns or raises")

    return repeated
