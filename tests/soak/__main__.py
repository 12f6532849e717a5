"""`.venv/bin/python -m tests.soak [seconds]`: the long form, ten minutes unless said otherwise."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.soak.run import soak

if __name__ == "__main__":
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(soak(Path(folder), seconds=seconds, pause=6.0), indent=1))
