"""A pytest plugin, loaded before Django: servers of the tests' own, and one migrated template.

The servers are the real ones. They trade durability for speed, which no test that uses them is
about; those that are start servers of their own.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contacthub_project.runtime.bootstrap import environment

if TYPE_CHECKING:
    from contacthub_project.runtime.embedded import EmbeddedServer

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / ".data" / "tests"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def _template_name() -> str:
    """A name that changes with everything the migrations are made of."""
    digest = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for pattern in ("*/migrations/**/*.py", "*/migrations/**/*.sql", "*/sql/**/*.sql"):
        for file in sorted(ROOT.glob(pattern)):
            digest.update(file.name.encode() + file.read_bytes())
    return f"hubtemplate_{digest.hexdigest()[:12]}"


TEMPLATE = _template_name()
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # tests start hundreds of processes
os.environ |= environment() | {
    "CONTACTHUB_DATA": str(DATA),
    "HTTPS": "false",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "TEST_DATABASE_TEMPLATE": "" if "TEST_DATABASE_NAME" in os.environ else TEMPLATE,
    # Each worker has a database of its own, so what changes in one is no news to the others.
    "SHARED_VERSION_FILE": str(
        DATA / f"generation-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    ),
    "REFUSALS_SECONDS": "0",
    "LOG_LEVEL": "ERROR",
}

_attached: list[EmbeddedServer] = []


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    from django.contrib.auth.hashers import ScryptPasswordHasher

    # The real hash takes a fifth of a second, and there are hundreds of passwords.
    ScryptPasswordHasher.work_factor, ScryptPasswordHasher.parallelism = 2, 1
    if hasattr(config, "workerinput"):
        return  # the controller has seen to everything
    from django.conf import settings

    from contacthub_project.runtime.embedded import PostgresServer, ValkeyServer

    if settings.USES_EMBEDDED_POSTGRES:
        _attached.append(PostgresServer(settings.DATA, settings=FAST))
    if settings.USES_EMBEDDED_VALKEY:
        _attached.append(ValkeyServer(settings.DATA))
    for server in _attached:
        server.attach()
    if "TEST_DATABASE_NAME" in os.environ:  # ./test --citus
        for command in (["migrate", "--verbosity=0"], ["distribute", "--shards=8"]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, check=True)
        return
    # In a process of its own: in this one databases are closed to everything but tests.
    subprocess.run([sys.executable, "-m", "tests.template"], cwd=ROOT, check=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    while _attached:
        _attached.pop().detach()
