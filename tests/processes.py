"""Real processes that work on a test's database at once, each with connections of its own."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "from tests.processes import child; child()"


def run_in_processes(
    function: str, arguments: list[dict[str, Any]], *, returncode: int = 0
) -> list[Any]:
    """What `function` ("module:name") returns for each of the arguments, each in its own process.

    All start their work together. Arguments and results are JSON. Processes that are to end with
    another `returncode` have no result.
    """
    from django.db import connection

    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    children = []
    for given in arguments:
        child_process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        assert child_process.stdin is not None
        task = {"database": connection.settings_dict["NAME"], "function": function, "given": given}
        child_process.stdin.write(json.dumps(task) + "\n")
        child_process.stdin.flush()
        children.append(child_process)
    for child_process in children:
        assert child_process.stdout is not None
        assert child_process.stdout.readline() == "ready\n"
    for child_process in children:
        assert child_process.stdin is not None
        child_process.stdin.write("go\n")
        child_process.stdin.flush()
    results = []
    for child_process in children:
        out, _ = child_process.communicate(timeout=100)
        assert child_process.returncode == returncode, out
        if returncode == 0:
            results.append(json.loads(out))
    return results


def child() -> None:
    """The life of such a process."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "contacthub_project.settings"
    import django

    django.setup()
    from django.conf import settings

    from tests.client import ApiClient

    ApiClient.compares_answers = False  # making the document takes seconds in each process

    task = json.loads(sys.stdin.readline())
    settings.DATABASES["default"]["NAME"] = task["database"]
    module, _, name = task["function"].partition(":")
    function = getattr(importlib.import_module(module), name)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    assert sys.stdin.readline() == "go\n"
    json.dump(function(**task["given"]), sys.stdout)
