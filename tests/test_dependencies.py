"""What is installed is what requirements.txt pins, nothing less and nothing more."""

from __future__ import annotations

import re
from importlib.metadata import distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.product import ROOT

TOOLS = {"pip", "setuptools", "wheel"}


def test_everything_installed_is_pinned() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    wanted = [Requirement(line) for line in (re.sub(r"\s*#.*", "", each) for each in lines) if line]
    assert all(re.fullmatch(r"==[^*,]+", str(each.specifier)) for each in wanted)
    pinned = {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for each in wanted
        if each.marker is None or each.marker.evaluate()
    }
    installed = {canonicalize_name(each.metadata["Name"]): each.version for each in distributions()}
    assert {name: installed[name] for name in installed if name not in TOOLS} == pinned
