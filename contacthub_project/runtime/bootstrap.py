"""Set up the project's own virtual environment; needs nothing but Python and pip.

Only the standard library is imported here: this module runs before anything is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements.txt"
STAMP = VENV / ".installed"


def say(message: str) -> None:
    """Print one line of progress at once, also into a pipe."""
    print(message, flush=True)


def ensure_environment() -> Path:
    """Make the virtual environment hold exactly what requirements.txt pins.

    Returns the path of its Python. Safe when several commands start at once: one installs, the
    others wait. Ends the process with pip's exit code when an installation fails.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - nothing has checked it before us
        sys.exit("Contacthub needs Python 3.11 or newer, this is {}.{}.".format(*sys.version_info))
    with _only_one_at_a_time():
        if not STAMP.is_file() or STAMP.read_text() != _fingerprint():
            _install()
    return PYTHON


def run(arguments: list[str]) -> None:
    """`./run`: replace this process by the whole product."""
    parser = argparse.ArgumentParser(prog="./run", description="Set up and run Contacthub.")
    parser.add_argument("--port", type=int, default=8000, help="port of the web server (8000)")
    parser.add_argument(
        "--data", type=Path, default=ROOT / ".data", help="folder of all data (.data)"
    )
    options = parser.parse_args(arguments)
    environment = os.environ | {"CONTACTHUB_DATA": str(options.data.resolve())}
    python = ensure_environment()
    os.execve(
        python,
        [str(python), str(ROOT / "manage.py"), "serve", "--port", str(options.port)],
        environment,
    )


def test(arguments: list[str]) -> None:
    """`./test`: replace this process by pytest; arguments are pytest's."""
    python = ensure_environment()
    os.chdir(ROOT)
    os.execv(python, [str(python), "-m", "pytest", *arguments])


def _install() -> None:
    started = time.monotonic()
    say("Setting up the virtual environment in .venv (once; later starts take seconds)")
    STAMP.unlink(missing_ok=True)
    # Debian ships venv without ensurepip; the pip that is there can install into the environment.
    has_ensurepip = importlib.util.find_spec("ensurepip") is not None
    venv_options = [] if has_ensurepip else ["--without-pip"]
    pip = [str(PYTHON), "-m", "pip"] if has_ensurepip else [
        sys.executable, "-m", "pip", "--python", str(PYTHON),
    ]  # fmt: skip
    _check_call([sys.executable, "-m", "venv", "--clear", *venv_options, str(VENV)])
    say("Installing the pinned requirements")
    _check_call(
        [
            *pip, "install", "--disable-pip-version-check", "--no-input",
            "--progress-bar", "off", "--requirement", str(REQUIREMENTS),
        ],
        shown=("Collecting", "Installing", "ERROR"),
    )  # fmt: skip
    STAMP.write_text(_fingerprint())
    say(f"Installed in {time.monotonic() - started:.0f} s")


def _check_call(command: list[str], shown: tuple[str, ...] = ("",)) -> None:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if line.startswith(shown):
            say("  " + line.split(" (from ")[0].rstrip()[:100])
    if process.wait():
        sys.stderr.writelines(lines[-40:])
        sys.exit(process.returncode)


def _fingerprint() -> str:
    """What the environment was made of: moving the folder or another Python makes it anew."""
    parts = (REQUIREMENTS.read_bytes(), str(ROOT).encode(), sys.version.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


@contextlib.contextmanager
def _only_one_at_a_time() -> Iterator[None]:
    with open(ROOT / ".venv.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    ensure_environment()
