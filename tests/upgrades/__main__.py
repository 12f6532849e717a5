"""`.venv/bin/python -m tests.upgrades <version>`: keep what this program leaves behind as a release.

The program's newest commit is the release's, so run it with everything committed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.product import running
from tests.soak.invariants import check
from tests.soak.run import SETTINGS, WHOLE_CAST, acting
from tests.upgrades.release import store_release

# Promises of each kind that a kept release has at least.
WANTED = {
    "customer": 60, "patched": 40, "event": 60, "session": 10, "deleted": 5, "prefix": 3, "merge": 2,
    "undone": 2, "erased": 3, "segment": 1, "walk": 1, "exported": 1,
}  # fmt: skip

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        data, logs = Path(folder) / "data", Path(folder) / "logs"
        logs.mkdir()
        with running(data, **SETTINGS) as product:
            with acting(product.facts, logs, WHOLE_CAST, pace=0.05) as actors:
                actors.wait_for(WANTED)
            print(check(product, logs))
        print(store_release(sys.argv[1], data, logs))
