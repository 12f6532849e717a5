"""Classes of work: requests with similar duration and latency requirements."""

from __future__ import annotations

from enum import StrEnum


class WorkClass(StrEnum):
    """Each class has its own slots and database connections (docs/decisions/0020-fairness.md)."""

    READ = "read"  # one thing, by its id
    WRITE = "write"
    SEARCH = "search"  # lists and searches of a tenant's data
    STATS = "stats"
    EXPORT = "export"  # exports, results of bulk jobs
    UPLOAD = "upload"  # files while they are received
    CONFIGURATION = "configuration"
    PAGES = "pages"
    HEALTH = "health"
