"""The types that openapi-typescript makes of the document, and a program in TypeScript on them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from contacthub_project.api import BASE_PATH
from tests.factories import Hub
from tests.openapi_clients.steps import EVENT_QUERY, LOYALTY

PROJECT = Path(__file__).parent / "typescript"

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("npm") is None, reason="no npm: apt-get install npm"),
]


def run(folder: Path, *command: str, stdin: str = "") -> str:
    done = subprocess.run(command, cwd=folder, input=stdin, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def program(document: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program, in the folder of its dependencies."""
    folder = tmp_path_factory.mktemp("typescript")
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    run(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    run(folder, "npx", "openapi-typescript", str(document), "-o", "contacthub.d.ts")
    run(folder, "npx", "tsc")
    return folder


def test_the_main_path(program: Path, live_hub: Hub, api_server: str) -> None:
    hub = live_hub
    extended = f"{hub.configuration}/properties/extended"
    assert hub.operator.put(extended, LOYALTY).status == 200
    given = {
        "baseUrl": api_server + BASE_PATH,
        "token": hub.trusted.token,
        "workspaceId": str(hub.workspace.id),
        "nodeId": str(hub.node.id),
        "query": EVENT_QUERY,
    }
    result = json.loads(run(program, "node", "main_path.js", stdin=json.dumps(given)))
    assert result == {
        "created": 201,
        "firstName": "Zoë",
        "loyalty": {"points": 3, "level": "gold"},
        "event": 202,
        "found": ["Zoë"],
        "refused": [400, "/base/contacts/email"],
    }
