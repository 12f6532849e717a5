"""What is installed is what the requirement files pin, nothing less and nothing more."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.product import ROOT

FILES = ("requirements.txt", "requirements-dev.txt")
PIN = re.compile(r"^(\S+==.*?) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)


def pinned(name: str) -> dict[str, str]:
    """The versions that a requirement file pins for this Python, by package."""
    text = (ROOT / name).read_text()
    found = [Requirement(requirement) for requirement, _ in PIN.findall(text)]
    assert len(found) == len(re.findall(r"^[^\s#]", text, re.MULTILINE)), "each line has hashes"
    return {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for each in found
        if each.marker is None or each.marker.evaluate()
    }


def test_everything_installed_is_pinned() -> None:
    expected = pinned(FILES[0]) | pinned(FILES[1])
    assert {
        canonicalize_name(each.metadata["Name"]): each.version for each in distributions()
    } == expected


def test_the_files_agree() -> None:
    first, second = pinned(FILES[0]), pinned(FILES[1])
    assert {name: second[name] for name in first.keys() & second.keys()}.items() <= first.items()


def test_the_files_are_compiled_from_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    direct = project["project"]["dependencies"], project["dependency-groups"]["dev"]
    for name, requirements in zip(FILES, direct, strict=True):
        for requirement in map(Requirement, requirements):
            version = str(requirement.specifier).removeprefix("==")
            assert pinned(name)[canonicalize_name(requirement.name)] == version


def test_running_needs_no_tools_for_tests() -> None:
    assert (
        not {"pytest", "mypy", "ruff", "hypothesis", "playwright", "uv"} & pinned(FILES[0]).keys()
    )
