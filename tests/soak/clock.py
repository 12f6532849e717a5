"""A wall clock of the product's own, which can be put ahead and back without touching the machine's."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")
NANOSECONDS = 1_000_000_000


class Clock:
    """Offsets of the wall clock of processes that are started with `environment`, in seconds.

    PostgreSQL may have another than the programs, as on a machine of its own. The library is
    compiled into `folder`; raises RuntimeError where that cannot be done.
    """

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if sys.platform != "linux" or compiler is None:
            raise RuntimeError("clocks are not put ahead and back: there is no C compiler")
        library, self._file = folder / "clock.so", folder / "clock"
        made = subprocess.run(
            [compiler, "-O1", "-fPIC", "-shared", "-Wall", "-o", library, SOURCE, "-ldl"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"clocks are not put ahead and back: {made.stderr.strip()}")
        self._file.write_bytes(bytes(16))
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(self._file)}

    def put(self, *, database: float = 0.0, programs: float = 0.0) -> None:
        """Put the clocks so many seconds ahead of the machine's, or behind."""
        with self._file.open("r+b") as file, mmap.mmap(file.fileno(), 16) as offsets:
            offsets[:] = struct.pack(
                "qq", round(database * NANOSECONDS), round(programs * NANOSECONDS)
            )
