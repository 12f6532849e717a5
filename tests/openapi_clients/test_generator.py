"""OpenAPI Generator, which makes clients in some fifty languages, on the document."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).parent / "openapi-generator-cli"

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("java") is None, reason="no Java: apt-get install default-jre"),
]


def run(*arguments: str | Path) -> str:
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_document_is_valid(document: Path) -> None:
    assert "No validation issues detected" in run("validate", "-i", document)


@pytest.mark.parametrize("language", ["java", "csharp", "php"])
def test_clients_in_other_languages(document: Path, tmp_path: Path, language: str) -> None:
    output = run("generate", "-i", document, "-g", language, "-o", tmp_path)
    assert "ERROR" not in output
    ending = {"java": "java", "csharp": "cs", "php": "php"}[language]
    classes = {file.stem for file in tmp_path.rglob(f"*.{ending}")}
    assert {"CustomerInput", "CustomerBase", "CustomerConsents", "EventInput"} <= classes
