from __future__ import annotations

import functools
import threading

import pytest

from contacthub_project.messaging import redis_clients
from contacthub_project.messaging.redis_clients import redis_client


def test_many_threads_that_ask_first_get_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each asks, uses what it got and lets go of it, all at once and again and again."""
    failures: list[Exception] = []
    clients: set[int] = set()

    def use(barrier: threading.Barrier) -> None:
        barrier.wait()
        try:
            pipeline = redis_client(timeout=2.0).pipeline(transaction=False)
            clients.add(id(redis_client(timeout=2.0)))
            pipeline.ping()
            assert pipeline.execute() == [True]
        except Exception as failure:
            failures.append(failure)

    for _ in range(30):
        # A memory of its own: the clients that others use stay as they are.
        made = functools.cache(redis_clients._made.__wrapped__)
        monkeypatch.setattr(redis_clients, "_made", made)
        clients.clear()
        barrier = threading.Barrier(8)
        threads = [threading.Thread(target=use, args=(barrier,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert len(clients) == 1
