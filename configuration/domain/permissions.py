"""What roles permit beyond grants for single nodes."""

from __future__ import annotations

from collections.abc import Iterable

TRUSTED_APPLICATION = "TRUSTED_APPLICATION"
UNTRUSTED_APPLICATION = "UNTRUSTED_APPLICATION"

# In the operations that name them. The others see only the nodes that were granted to them.
ROLES_OF_ALL_NODES = frozenset({"CLAB_OPERATOR", "ADMIN", "DPO", "PLATFORM_UPDATES"})
# Of these, roles for one purpose: they give no permission in other operations.
ROLES_OF_ONE_PURPOSE = frozenset({"DPO", "PLATFORM_UPDATES"})

# Tokens in browsers are public: their sources may write and not read.
UNTRUSTED_PROVIDERS = frozenset({"JavaScript"})
# Sources of these providers may be trusted or not.
PROVIDERS_OF_EITHER_TRUST = frozenset({"API"})

# Sources of these providers live on, but no new one can be made (reference: Create source).
CREATABLE_PROVIDERS = frozenset({"API", "CONTACTSEND", "CONTACTPLAN"})


def reaches_all_workspaces(roles: Iterable[str]) -> bool:
    """Return whether the roles need no membership of a workspace."""
    return "CLAB_OPERATOR" in roles


def roles_of_all_nodes(roles: frozenset[str]) -> frozenset[str]:
    """Return those of the roles that reach all nodes without grants."""
    return roles & ROLES_OF_ALL_NODES


def reads_whole_workspace(roles: Iterable[str]) -> bool:
    """Return whether the roles may read all nodes in every operation."""
    return not (ROLES_OF_ALL_NODES - ROLES_OF_ONE_PURPOSE).isdisjoint(roles)


def trust_of_source(provider: str, trusted: bool | None) -> bool | None:
    """Return whether a source is trusted; None when its provider does not allow `trusted`.

    `trusted` is what the client asks for, None for the provider's default.
    """
    usual = provider not in UNTRUSTED_PROVIDERS
    if trusted is None or trusted == usual or provider in PROVIDERS_OF_EITHER_TRUST:
        return usual if trusted is None else trusted
    return None


def role_of_source(*, trusted: bool) -> str:
    """Return the role of an application that authenticates by a source's token."""
    return TRUSTED_APPLICATION if trusted else UNTRUSTED_APPLICATION
