"""Logs and metrics."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from contacthub_project.runtime.logs import logging_settings

from .base import DEBUG
from .environment import env

LOG_FORMAT = env.str("LOG_FORMAT", default="console" if DEBUG else "json")
if LOG_FORMAT not in {"console", "json"}:
    raise ImproperlyConfigured("LOG_FORMAT must be `json` or `console`")
LOGGING_CONFIG = None
LOGGING = logging_settings(form=LOG_FORMAT, level=env.str("LOG_LEVEL", default="INFO"))
# Every request gets a line; without it only errors do.
LOG_REQUESTS = env.bool("LOG_REQUESTS", default=False)
# Metrics are served on their own address, which only this machine can reach.
METRICS_ADDRESS = env.str("METRICS_ADDRESS", default="127.0.0.1")
