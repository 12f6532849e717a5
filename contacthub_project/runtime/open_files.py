"""How many files, connections among them, a process may have open."""

from __future__ import annotations

import resource

ENOUGH = 65_536


def raise_limit() -> None:
    """Raise the limit of this process, and of those that it starts, as far as it may.

    Init systems and shells start programs with 1024, which fewer clients than that use up who wait
    for changes.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
