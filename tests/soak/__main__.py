"""`.venv/bin/python -m tests.soak [seconds]`: the long form, ten minutes unless said otherwise."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.soak.faults import KILLS, MIB, STALLS
from tests.soak.run import WHOLE_CAST, soak

if __name__ == "__main__":
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    with tempfile.TemporaryDirectory() as folder:
        report = soak(
            Path(folder),
            seconds=seconds,
            pause=2.0,
            faults=KILLS | STALLS,
            cast=WHOLE_CAST,
            stalls=(2.0, 5.0, 16.0),  # the longest is longer than leases of work last
            disk=4096 * MIB,
        )
        print(json.dumps(report, indent=1))
