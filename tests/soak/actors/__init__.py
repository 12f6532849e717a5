"""Who puts load on the product; each is a process of its own and writes down what it was promised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.soak.actors.readers import follower, pager, reader, slow_client
from tests.soak.actors.receivers import steady_receiver, unsteady_receiver
from tests.soak.actors.sources import anonymous, importer, writer
from tests.soak.actors.staff import eraser, exporter, merger, replayer, segmenter
from tests.soak.hub import Hub

ACTORS: dict[str, Callable[[Hub, str, int], None]] = {
    "writer": writer,
    "anonymous": anonymous,
    "importer": importer,
    "reader": reader,
    "pager": pager,
    "slow_client": slow_client,
    "follower": follower,
    "steady": steady_receiver,
    "unsteady": unsteady_receiver,
    "merger": merger,
    "eraser": eraser,
    "segmenter": segmenter,
    "exporter": exporter,
    "replayer": replayer,
}


def act(
    kind: str,
    name: str,
    seed: int,
    facts: dict[str, Any],
    log: str,
    over: str,
    pace: float,
) -> None:
    """The life of an actor's process, until there is a file named `over`."""
    hub = Hub(facts, Path(log), Path(over), pace)
    ACTORS[kind](hub, name, seed)
    hub.finish()
