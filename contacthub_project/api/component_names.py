"""Names of components and of enum constants for client generators."""

from __future__ import annotations

import re


def constant_name(value: str) -> str:
    """Return `Etc/GMT+1` as `ETC_GMT_PLUS_1`."""
    signed = re.sub(r"-(?=\d)", "_MINUS_", value.replace("+", "_PLUS_"))
    return re.sub(r"\W+", "_", signed).upper().strip("_")


def pascal_case(name: str) -> str:
    """Return `mobileDevices` as `MobileDevices`, without punctuation."""
    words = re.split(r"[^0-9A-Za-z]+", name)
    return "".join(word[0].upper() + word[1:] for word in words if word)
