"""The web server: slots of the classes of work, and limits of one client and of all."""

from __future__ import annotations

from contacthub_project.core.work_class import WorkClass

from .environment import env

# Requests of a class that a web process handles at once; each takes a thread and, meanwhile,
# a database connection. No workspace gets the last slot.
WEB_CONCURRENCY = env.int("WEB_CONCURRENCY", default=3)
WEB_SLOTS: dict[WorkClass, int] = {
    WorkClass.READ: WEB_CONCURRENCY + 1,
    WorkClass.WRITE: 2 * WEB_CONCURRENCY + 2,
    WorkClass.SEARCH: WEB_CONCURRENCY + 1,
    WorkClass.STATS: 2,
    WorkClass.EXPORT: 2,
    WorkClass.UPLOAD: 4,
    WorkClass.CONFIGURATION: 3,
    WorkClass.PAGES: 3,
    WorkClass.HEALTH: 1,
} | {WorkClass(name): int(slots) for name, slots in env.dict("WEB_SLOTS", default={}).items()}
# Requests of a class that a web process handles at once in its event loop.
WEB_COROUTINES = env.int("WEB_COROUTINES", default=128)
# How many requests wait for a slot of their class, and for how long.
WEB_QUEUE_PLACES = env.int("WEB_QUEUE_PLACES", default=512)
WEB_QUEUE_SECONDS = env.float("WEB_QUEUE_SECONDS", default=10.0)
# Requests of a process at any stage, waiting polls and streams included.
WEB_REQUESTS = env.int("WEB_REQUESTS", default=8192)
# Streaming responses of a class; each holds a database connection.
WEB_STREAMS = env.int("WEB_STREAMS", default=8)
# A body must arrive at a rate, after a grace period; a response must be read within a time.
WEB_UPLOADS = env.int("WEB_UPLOADS", default=128)  # forms with a file that come in at a time
BODY_SECONDS = env.float("BODY_SECONDS", default=10.0)
BODY_BYTES_PER_SECOND = env.int("BODY_BYTES_PER_SECOND", default=1024)
WRITE_TIMEOUT = env.float("WRITE_TIMEOUT", default=30.0)
# Seconds after which a statement is cancelled, where the class has another limit than
# DATABASE_STATEMENT_TIMEOUT.
STATEMENT_TIMEOUTS = {WorkClass.SEARCH: env.int("SEARCH_TIMEOUT", default=10)}
