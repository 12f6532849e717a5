"""A customer's password within its document, and who may read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contacthub_project.core.principal import Principal
from customers.domain.merge import Document
from customers.domain.paths import value_at

PASSWORD = "base.credential.password"  # noqa: S105 - its path
READERS = frozenset({"ADMIN", "TRUSTED_APPLICATION"})


def may_read_passwords(caller: Principal) -> bool:
    """Return whether responses to the caller hold passwords; pages of the back-office never do."""
    return not caller.in_back_office and not READERS.isdisjoint(caller.roles)


def password_in(base: Any) -> Any:
    """Return the password in the properties `base`, None if there is none."""
    if isinstance(base, dict) and "credential" not in base:
        return None
    return value_at({"base": base}, PASSWORD)


def with_password(base: Any, password: Any) -> dict[str, Any]:
    """Return `base` with another password; a value that is no object counts as an empty one."""
    known = base if isinstance(base, Mapping) else {}
    credential = known.get("credential")
    others = credential if isinstance(credential, Mapping) else {}
    return {**known, "credential": {**others, "password": password}}


def keep_password(before: Mapping[str, Any], after: Document, *, by: Principal) -> Document:
    """Return `after` with the password of `before`, if a caller that cannot read it has dropped it.

    They read null, and may send back what they have read.
    """
    kept = password_in(before["base"])
    if kept is None or may_read_passwords(by) or password_in(after["base"]) is not None:
        return after
    return {**after, "base": with_password(after["base"], kept)}
