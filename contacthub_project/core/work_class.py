"""Classes of work: what is alike in how long it takes and what it may wait for."""

from __future__ import annotations

from enum import StrEnum


class WorkClass(StrEnum):
    """Each has slots and database connections of its own; see docs/decisions/0020-fairness.md."""

    READ = "read"  # one thing, by its id
    WRITE = "write"
    SEARCH = "search"  # lists and searches of a tenant's data
    STATS = "stats"
    EXPORT = "export"  # exports, results of bulk jobs
    UPLOAD = "upload"  # files, as long as they come in
    CONFIGURATION = "configuration"
    PAGES = "pages"
    HEALTH = "health"
