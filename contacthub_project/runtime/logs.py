"""Structured logs: JSON in production, readable in development.

Each line carries the request's tracing id, and an error its logref. Personal data is never logged:
log ids and counts, not values.
"""

from __future__ import annotations

import logging.config
import traceback
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog
from psycopg import errors as pg

INNERMOST_FRAMES = 12
# The id of the request at hand, which each line carries.
tracing_id: ContextVar[str | None] = ContextVar("tracing_id", default=None)


def _add_tracing_id(logger: Any, name: str, event: MutableMapping[str, Any]) -> Any:
    if (current := tracing_id.get()) is not None:
        event.setdefault("tracing_id", current)
    return event


_SHARED: list[Any] = [
    _add_tracing_id,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def logging_settings(*, form: str, level: str) -> dict[str, Any]:
    """Return a configuration for `logging.config.dictConfig`.

    `form` is `json` or `console`, `level` a name of the standard library's levels.
    """
    renderers: dict[str, list[Any]] = {
        "json": [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
        "console": [structlog.dev.ConsoleRenderer(colors=False)],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*_SHARED, structlog.stdlib.ExtraAdder()],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *renderers[form],
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # These would report a second time, with paths, what our exception handler reports.
            "django.request": {"level": "CRITICAL"},
            "django.security": {"level": "CRITICAL"},
            "django.server": {"level": "WARNING"},
        },
    }


def configure(settings: dict[str, Any]) -> None:
    """Apply `settings` (see `logging_settings`) to this process."""
    logging.config.dictConfig(settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def failure_details(failure: BaseException) -> dict[str, Any]:
    """Return the loggable parts of an exception: its class, PostgreSQL's code and the frames.

    Not its text, which may quote personal data.
    """
    frames = traceback.extract_tb(failure.__traceback__)[-INNERMOST_FRAMES:]
    return {
        "kind": type(failure).__qualname__,
        "cause": sqlstate(failure),
        "trace": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def sqlstate(failure: BaseException) -> str | None:
    """Return PostgreSQL's code of the error that caused an exception; None if there is none."""
    cause = failure.__cause__
    return cause.sqlstate if isinstance(cause, pg.Error) else None
