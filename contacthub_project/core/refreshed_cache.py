"""A cache in memory that refreshes old entries."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _Entry(NamedTuple, Generic[Value]):
    value: Value
    version: int
    checked: float


class RefreshedCache(Generic[Key, Value]):
    """Caches values for `seconds`, as long as the version is unchanged.

    When an entry is old, one thread looks it up again, while others still get the old value; so an
    entry is at most `seconds` and one look-up old. `most` entries are kept; the least recently used
    are dropped first.
    """

    def __init__(self, *, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._entries: dict[Key, _Entry[Value]] = {}

    def fresh(self, key: Key, version: int) -> Value | None:
        """Return the value of a key; None when it must be looked up."""
        entry = self._entries.get(key)
        if entry is None or entry.version != version:
            return None
        if time.monotonic() - entry.checked >= self._seconds:
            return None
        return entry.value

    def look_up(
        self,
        key: Key,
        version: int,
        find: Callable[[Value | None], Value | None],
        *,
        is_forced: bool = False,
    ) -> Value | None:
        """Return the result of `find`, called with the old value, and cache it.

        None is not cached. Unless `is_forced`, a value that another thread is looking up, or has
        just looked up, is returned as cached.
        """
        began = time.monotonic()
        kept: _Entry[Value] | None = None
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and not is_forced and entry.version == version:
                if began - entry.checked < self._seconds:
                    return entry.value
                kept = self._entries[key] = entry._replace(checked=began)
        try:
            found = find(None if entry is None else entry.value)
        except BaseException:
            with self._lock:
                if entry is not None and self._entries.get(key) is kept:
                    self._entries[key] = entry
            raise
        with self._lock:
            self._entries.pop(key, None)
            if found is not None:
                if len(self._entries) >= self._most:
                    del self._entries[next(iter(self._entries))]
                self._entries[key] = _Entry(found, version, began)
        return found

    def forget(self, key: Key) -> None:
        """Invalidate the value of a key."""
        with self._lock:
            self._entries.pop(key, None)
