"""Parser of the `Forwarded` header (RFC 7239), in which proxies describe a request's origin."""

from __future__ import annotations

import re
from dataclasses import dataclass

WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
PAIR = re.compile(rf'[ \t]*({WORD})=({WORD}|"(?:[^"\\]|\\.)*")[ \t]*', re.DOTALL)
# An IPv6 address in brackets or anything without a colon, and perhaps a port (section 6).
NODE = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::[0-9]{1,5}|:[._A-Za-z0-9-]+)?")


@dataclass(frozen=True, slots=True)
class Hop:
    """The address and protocol of one proxy's client; empty when the proxy does not report them."""

    address: str = ""
    protocol: str = ""


def parse_forwarded(header: str) -> list[Hop] | None:
    """Return the elements of the header in order, the first proxy's first; None if malformed.

    The whole header is refused when any part is malformed: a quoted string may hold commas, so an
    unclosed quote sent by a client could swallow what a proxy has appended.
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
