"""Validates addresses as clients send them: e-mail, web and IP addresses.

The functions only validate: a valid value is stored as it was sent.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

# RFC 5321: the longest path is 256 octets, angle brackets included.
LONGEST_EMAIL = 254
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"(?!..--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# Matches nearly all addresses; the complete check costs a hundred times as much.
USUAL_EMAIL = re.compile(rf"(?=[^@]{{1,64}}@){ATOM}(?:\.{ATOM})*@{LABEL}(?:\.{LABEL})*")
# Schemes whose links run a script.
SCRIPT_SCHEMES = frozenset({"javascript", "data", "vbscript"})
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
LONGEST_IP_ADDRESSES = 1000
HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")


def is_email(text: str) -> bool:
    """Return whether the text is one e-mail address (RFC 5321, RFC 6531).

    Accepts internationalised addresses, quoted local parts and domain literals. Refuses display
    names and surrounding space.
    """
    if len(text) > LONGEST_EMAIL:
        return False
    if USUAL_EMAIL.fullmatch(text):
        return True
    try:
        validate_email(
            text,
            check_deliverability=False,
            allow_quoted_local=True,
            allow_domain_literal=True,
            globally_deliverable=False,
        )
    except EmailNotValidError:
        return False
    return True


def is_web_address(text: str) -> bool:
    """Return whether the text may be stored as a URL, as leniently as browsers read them.

    Accepts spaces, letters of every script, and addresses without scheme or host. Refuses control
    characters, and the schemes that run the address as a script (`javascript:`, `data:`,
    `vbscript:`).
    """
    if not (text.isascii() and text.isprintable()) and any(
        unicodedata.category(character) == "Cc" for character in text
    ):
        return False
    # Browsers cut off space around an address.
    scheme = SCHEME.match(text.strip())
    return scheme is None or scheme[1].lower() not in SCRIPT_SCHEMES


def web_origin(text: str) -> tuple[str, str] | None:
    """Return the origin of an http(s) URL in the form of a Content-Security-Policy, and its host.

    Returns None for another scheme or none, for a URL with a user name, and for a host that a
    policy cannot name (IPv6).
    """
    try:
        parts = urlsplit(text.strip())
        host = (parts.hostname or "").encode("idna").decode().lower()
        port = parts.port
    except ValueError:  # UnicodeError among others
        return None
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc or not HOST.fullmatch(host):
        return None
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else ""), host


def is_ip_addresses(text: str) -> bool:
    """Return whether the text is an IP address or network, or several separated by commas.

    Several are what proxies write to `X-Forwarded-For`; the first is the client's.
    """
    return len(text) <= LONGEST_IP_ADDRESSES and all(
        _is_ip_address(each.strip()) for each in text.split(",")
    )


def _is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return True
