"""Records refusals asynchronously.

Requests only append to a buffer in memory. A thread of the process writes the buffer at intervals,
with its own connection, so that recording neither delays a refusal nor makes it fail; a killed
process loses the refusals of a second. Rows of bulk jobs are recorded in the transaction that
writes their results. See docs/decisions/0030-quarantine.md.
"""

from __future__ import annotations

import atexit
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, transaction

from contacthub_project.messaging.pubsub import feed_topic, publisher
from contacthub_project.runtime.metrics import count_refused_data
from customers.actions.refusal_writes import (
    CountKey,
    RefusedData,
    count_key,
    type_of,
    write_refusals,
)

log = structlog.get_logger("contacthub.refusals")

# The buffer's size between two writes: further refusals are only counted.
MOST_BUFFERED = 10_000
MOST_BYTES = 16 * 1024 * 1024


@dataclass(slots=True)
class _Buffer:
    """The refusals since the last write; `counts` are of those beyond the buffer's size."""

    refused: dict[UUID, list[RefusedData]] = field(default_factory=lambda: defaultdict(list))
    counts: dict[UUID, Counter[CountKey]] = field(default_factory=lambda: defaultdict(Counter))
    number: int = 0
    bytes: int = 0


class RefusalRecorder:
    """Buffers refusals in memory and writes them at intervals."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._buffer = _Buffer()
        self._thread: threading.Thread | None = None
        self._has_buffer = threading.Event()

    def note(self, workspace_id: UUID, refused: RefusedData | None) -> None:
        """Buffer a refusal; never waits, and never fails."""
        if refused is None:
            return
        size = len(refused.body) if isinstance(refused.body, bytes) else 1024
        with self._lock:
            notes = self._buffer
            notes.number += 1
            if notes.number > MOST_BUFFERED or notes.bytes + size > MOST_BYTES:
                notes.counts[workspace_id][count_key(refused, "")] += 1
            else:
                notes.bytes += size
                notes.refused[workspace_id].append(refused)
            if self._thread is None and settings.REFUSALS_SECONDS:
                self._begin()
        self._has_buffer.set()

    def write(self) -> None:
        """Write the buffer. Counts that cannot be written now are kept for the next time."""
        with self._writing:
            with self._lock:
                notes, self._buffer = self._buffer, _Buffer()
            for workspace_id in {*notes.refused, *notes.counts}:
                refused = notes.refused[workspace_id]
                counts = notes.counts[workspace_id]
                counts.update(count_key(each, type_of(each)) for each in refused)
                try:
                    with transaction.atomic():
                        has_examples = write_refusals(workspace_id, counts, refused)
                except (DatabaseError, InterfaceError) as failure:
                    log.warning("refusals are not written", kind=type(failure).__name__)
                    with self._lock:
                        self._buffer.counts[workspace_id].update(counts)
                    continue
                _count(workspace_id, counts)
                if has_examples:
                    publisher.notify(feed_topic(workspace_id))

    def drop(self) -> None:
        """Drop what was noted and not written, as a process that is killed does."""
        with self._lock:
            self._buffer = _Buffer()

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True, name="refusals")
        self._thread.start()
        atexit.register(self._end)

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._has_buffer.wait()
            pause.wait(settings.REFUSALS_SECONDS)
            self._has_buffer.clear()
            close_old_connections()
            self.write()

    def _end(self) -> None:
        with suppress(Exception):
            self.write()


recorder = RefusalRecorder()
"""That of this process."""


def record_refusals(workspace_id: UUID, refused: Sequence[RefusedData]) -> None:
    """Write refusals within the caller's transaction, after all its locks."""
    if refused:
        counts = Counter(count_key(each, type_of(each)) for each in refused)
        write_refusals(workspace_id, counts, refused)
        transaction.on_commit(partial(_count, workspace_id, counts))


def _count(workspace_id: UUID, counts: Mapping[CountKey, int]) -> None:
    for (_, source_id, entity, event_type, reason), count in counts.items():
        count_refused_data(
            str(workspace_id), str(source_id or ""), entity, event_type, reason, count
        )
