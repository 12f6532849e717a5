"""The matrix of a customer's consents: what is given, limited and objected, since when, by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, gettext_noop

from contacthub_project.admin.time_zone import local_time
from customers.domain.paths import value_at

# Purposes, each with its channels: their labels and their paths below `consents`.
PURPOSES = {
    gettext_noop("Marketing"): {
        gettext_noop("E-mail"): "marketing.automatic.email",
        gettext_noop("SMS"): "marketing.automatic.sms",
        gettext_noop("Push notification"): "marketing.automatic.push",
        gettext_noop("Instant message"): "marketing.automatic.im",
        gettext_noop("Automated call"): "marketing.automatic.telephonic",
        gettext_noop("Telephone"): "marketing.traditional.telephonic",
        gettext_noop("Post"): "marketing.traditional.papery",
    },
    gettext_noop("Offers of similar products"): {
        gettext_noop("E-mail"): "softSpam.email",
        gettext_noop("Post"): "softSpam.papery",
    },
    gettext_noop("Profiling"): {
        gettext_noop("Classic"): "profiling.classic",
        gettext_noop("Online"): "profiling.online",
    },
    gettext_noop("Transfer to third parties"): {
        gettext_noop("For profiling"): "thirdPartyTransfer.profiling",
        gettext_noop("For marketing"): "thirdPartyTransfer.marketing",
    },
}


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """A channel of the matrix; None is neither yes nor no.

    `is_usable` says whether the consent holds: given, and neither limited nor objected. `changed`
    is the moment of the last change in the consent log, `author` its source or person.
    """

    channel: str
    given: bool | None
    limited: bool | None
    objected: bool | None
    changed: str
    author: str

    @property
    def is_usable(self) -> bool:
        return self.given is True and not self.limited and not self.objected


def consent_matrix(
    consents: Mapping[str, Any], log: Sequence[Mapping[str, Any]], zone: ZoneInfo
) -> list[tuple[str, list[ConsentRow]]]:
    """Return the rows by purpose, of channels about which something is known.

    `log` has lines of the consent log as the API lists them, the newest first.
    """
    latest: dict[str, Mapping[str, Any]] = {}
    for line in log:
        channel = (line["property"] or "").removeprefix("consents.").rpartition(".")[0]
        latest.setdefault(channel, line)
    matrix = []
    for purpose, channels in PURPOSES.items():
        rows = [
            _row(channel, known, latest.get(path), zone)
            for channel, path in channels.items()
            if (known := value_at(consents, path))
        ]
        if rows:
            matrix.append((gettext(purpose), rows))
    return matrix


def _row(
    channel: str, known: Mapping[str, Any], line: Mapping[str, Any] | None, zone: ZoneInfo
) -> ConsentRow:
    return ConsentRow(
        gettext(channel),
        known.get("status"),
        known.get("limitation"),
        known.get("objection"),
        local_time(line["date"], zone) if line else "",
        author_of(line) if line else "",
    )


def author_of(line: Mapping[str, Any]) -> str:
    """Return the name of the source or person that a line of the consent log is from."""
    return line["userName"] or line["sourceName"] or ""


def disclaimer_of(consents: Mapping[str, Any], zone: ZoneInfo) -> tuple[str, str] | None:
    """Return version and moment of the disclaimer that was read, None if there is none."""
    read = consents.get("disclaimer") or {}
    if not any(read.values()):
        return None
    return read.get("version") or "", local_time(read.get("date"), zone)
