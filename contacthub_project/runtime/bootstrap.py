"""Sets up the project's virtual environment; needs nothing but Python and pip.

Only the standard library is imported here: this module runs before anything is installed. pip
installs uv, at the version and hash of requirements-dev.txt, and uv installs the rest.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from contacthub_project.runtime import preflight

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements.txt"
DEV_REQUIREMENTS = ROOT / "requirements-dev.txt"
STAMP = VENV / ".installed"
BYTECODE = VENV / "bytecode"
DEV_TOOL = VENV / "bin" / "pytest"
CITUS = "--citus"


def print_line(message: str) -> None:
    """Print one line of progress immediately, also into a pipe."""
    print(message, flush=True)


def ensure_environment(*, dev: bool) -> Path:
    """Install exactly what the requirement files pin; with `dev` also the development tools.

    Returns the path of the environment's Python. Safe when several commands start at once: one
    installs, the others wait. Ends the process with the installer's exit code when it fails.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - nothing has checked it before us
        sys.exit("Contacthub needs Python 3.11 or newer, this is {}.{}.".format(*sys.version_info))
    complete = [REQUIREMENTS, DEV_REQUIREMENTS]
    with _only_one_at_a_time():
        # After a change of the requirements installed development tools are installed again.
        needed = complete if dev or DEV_TOOL.exists() else [REQUIREMENTS]
        installed = STAMP.read_text() if STAMP.is_file() else ""
        if installed not in {_fingerprint(needed), _fingerprint(complete)}:
            _install(needed)
    return PYTHON


class OneLineParser(argparse.ArgumentParser):
    """An argument parser that reports errors in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(preflight.EXIT_STATUS, f"{self.prog}: {message}\n")


def run(arguments: list[str]) -> None:
    """`./run`: replace this process by the whole product.

    Invalid arguments and unusable folders and ports are refused by a line and exit status 2, before
    anything is written.
    """
    parser = OneLineParser(prog="./run", description="Set up and run Contacthub.")
    parser.add_argument(
        "--port", type=preflight.port_number, default=8000, help="port of the web server (8000)"
    )
    parser.add_argument("--data", default=str(ROOT / ".data"), help="folder of all data (.data)")
    options = parser.parse_args(arguments)
    try:
        data = _folder(options.data)
        preflight.check_folder(data)
        preflight.check_not_running(data)
        preflight.check_ports(
            "127.0.0.1",
            options.port,
            metrics_address=os.environ.get("METRICS_ADDRESS", "127.0.0.1"),
        )
    except preflight.RefusedError as refused:
        parser.error(str(refused))
    python = ensure_environment(dev=False)
    os.execve(
        python,
        [str(python), str(ROOT / "manage.py"), "serve", "--port", str(options.port)],
        environment() | {"CONTACTHUB_DATA": str(data)},
    )


def test(arguments: list[str]) -> None:
    """`./test`: replace this process by pytest; arguments are pytest's.

    With `--citus` tests use the database of DATABASE_URL itself: an empty one, in a cluster that
    was made elsewhere. They distribute it first, and leave their rows there.
    """
    if CITUS in arguments:
        arguments = [each for each in arguments if each != CITUS]
        if not os.environ.get("DATABASE_URL"):
            sys.exit(f"{CITUS} needs DATABASE_URL: an empty database with the extension")
        os.environ["TEST_DATABASE_NAME"] = urllib.parse.urlsplit(
            os.environ["DATABASE_URL"]
        ).path.lstrip("/")
        arguments = ["-n", "0", "--reuse-db", *arguments]
    python = ensure_environment(dev=True)
    os.chdir(ROOT)
    os.execve(python, [str(python), "-m", "pytest", *arguments], environment())


def environment() -> dict[str, str]:
    """Return this process's environment, with a folder for compiled modules.

    The product is about ten processes of 2,600 modules each. Where none is kept, as where
    containers say PYTHONDONTWRITEBYTECODE, each compiles them all: most of the time of a start.
    """
    forbids = "PYTHONDONTWRITEBYTECODE"
    kept = {name: value for name, value in os.environ.items() if name != forbids}
    return {"PYTHONPYCACHEPREFIX": str(BYTECODE)} | kept


def _folder(given: str) -> Path:
    if not given:
        raise preflight.RefusedError("--data names no folder")
    try:
        return Path(given).resolve()
    except (OSError, RuntimeError):
        raise preflight.RefusedError(f"{given} leads nowhere; choose another --data") from None


def _install(requirements: list[Path]) -> None:
    started = time.monotonic()
    print_line("Setting up the virtual environment in .venv (once; later starts take seconds)")
    STAMP.unlink(missing_ok=True)
    # Without its own pip, which takes longer to install than everything else: this Python's pip
    # can install into the environment.
    _check_call([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)])
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as installer:
        installer.write(_requirement("uv"))
        installer.flush()
        _check_call(
            [
                sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet",
                "--disable-pip-version-check", "--no-input", "--no-deps",
                "--require-hashes", "--requirement", installer.name,
            ],
            prefixes=("ERROR",),
        )  # fmt: skip
    print_line("Installing the pinned requirements")
    files = [option for file in requirements for option in ("--requirement", str(file))]
    _check_call(
        [
            str(VENV / "bin" / "uv"), "pip", "install", "--python", str(PYTHON),
            "--require-hashes", "--no-deps", *_trust(), *files,
        ],
        prefixes=("Resolved", "Prepared", "Installed", "error"),
    )  # fmt: skip
    STAMP.write_text(_fingerprint(requirements))
    print_line(f"Installed in {time.monotonic() - started:.0f} s")


def _trust() -> list[str]:
    """Return uv's option to trust the system's certificate authorities, where it has some.

    Its own do not know the authority of an organisation whose proxy looks into connections.
    """
    return ["--system-certs"] if ssl.get_default_verify_paths().cafile else []


def _requirement(name: str) -> str:
    """Return the lines of requirements-dev.txt that pin one package, with its hashes."""
    pinned = re.search(
        rf"^{re.escape(name)}==.*(?:\n    --hash=.*)+", DEV_REQUIREMENTS.read_text(), re.MULTILINE
    )
    if pinned is None:
        sys.exit(f"{DEV_REQUIREMENTS} does not pin {name}")
    return pinned[0] + "\n"


def _check_call(command: list[str], prefixes: tuple[str, ...] = ("",)) -> None:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if line.startswith(prefixes):
            print_line("  " + line.split(" (from ")[0].rstrip()[:100])
    if process.wait():
        sys.stderr.writelines(lines[-40:])
        sys.exit(process.returncode)


def _fingerprint(requirements: list[Path]) -> str:
    """Return a digest of the requirement files, the folder and the version of Python."""
    parts = [file.read_bytes() for file in requirements]
    parts += [str(ROOT).encode(), sys.version.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


@contextlib.contextmanager
def _only_one_at_a_time() -> Iterator[None]:
    with open(ROOT / ".venv.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    ensure_environment(dev=True)
