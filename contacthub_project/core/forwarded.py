"""The `Forwarded` header of RFC 7239: what proxies tell of a request that they have passed on."""

from __future__ import annotations

import re
from dataclasses import dataclass

WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
PAIR = re.compile(rf'[ \t]*({WORD})=({WORD}|"(?:[^"\\]|\\.)*")[ \t]*', re.DOTALL)
# An IPv6 address in brackets or anything without a colon, and perhaps a port (section 6).
NODE = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::[0-9]{1,5}|:[._A-Za-z0-9-]+)?")


@dataclass(frozen=True, slots=True)
class Hop:
    """One proxy's words: whom the request came from, by which protocol; empty when not told."""

    address: str = ""
    protocol: str = ""


def parse_forwarded(header: str) -> list[Hop] | None:
    """The proxies' words, the first proxy's first; None when any of it cannot be read.

    A quoted text may hold commas, so that what a client has sent without its closing quote could
    otherwise take in what a proxy has added.
    """
    hops, pairs, at = [], dict[str, str](), 0
    while True:
        pair = PAIR.match(header, at)
        if pair is None:
            return None
        name, value = pair[1].lower(), _unquoted(pair[2])
        if name in pairs:
            return None
        pairs[name] = value
        at = pair.end()
        end = header[at : at + 1]
        if end not in {";", ",", ""}:
            return None
        if end != ";":
            hops.append(Hop(_address(pairs.get("for", "")), pairs.get("proto", "").lower()))
            pairs = {}
        if not end:
            return hops
        at += 1


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL) if value[:1] == '"' else value


def _address(node: str) -> str:
    found = NODE.fullmatch(node)
    return "" if found is None else found[1] or found[2] or ""
