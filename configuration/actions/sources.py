"""Create, change and delete sources, and their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from configuration.actions.changing import lock_workspace
from configuration.actions.send_sources import check_send_properties, connect, without_secret
from configuration.domain.permissions import CREATABLE_PROVIDERS, trust_of_source
from configuration.domain.send_source import PROVIDER as SEND
from configuration.domain.source_properties import coerced_properties, property_faults
from configuration.domain.tokens import new_source_token, token_hash
from configuration.models import Node, Source
from configuration.queries.rules import configuration_changed
from contacthub_project.core.date_format import DateFormat
from contacthub_project.core.errors import Invalid, NotFound, Stale, unknown_references


class SourceValues(TypedDict, total=False):
    """Values of a source that can change, by model field, without its nodes.

    Reference: Modify source.
    """

    name: str
    description: str | None
    enabled: bool
    date_format: str
    properties: dict[str, Any]


@transaction.atomic
def create_source(
    workspace_id: UUID,
    *,
    provider: str,
    name: str,
    nodes: Sequence[UUID],
    description: str | None = None,
    enabled: bool = True,
    trusted: bool | None = None,
    date_format: str = DateFormat.ZULU.value,
    properties: dict[str, Any] | None = None,
    of_retired_provider: bool = False,
) -> tuple[Source, str]:
    """Create a source and return it with its token, of which only a hash is stored.

    `trusted` False makes a source for web pages; None takes the provider's default. Raises Invalid
    for unknown nodes, wrong properties, trust that the provider does not allow, and for retired
    providers (reference: Create source) unless `of_retired_provider`.
    """
    if provider not in CREATABLE_PROVIDERS and not of_retired_provider:
        raise Invalid.at("/provider", "can no longer be created", "provider")
    is_trusted = _trust_of(provider, trusted)
    lock_workspace(workspace_id)
    token = new_source_token()
    source = Source(
        workspace_id=workspace_id,
        provider=provider,
        name=name,
        description=description,
        enabled=enabled,
        trusted=is_trusted,
        date_format=date_format,
        token_hash=token_hash(token),
    )
    found = _nodes(workspace_id, nodes)
    properties = coerced_properties(provider, properties or {})
    _check_properties(source, properties, found)
    source.properties = without_secret(properties)
    source.save(force_insert=True)
    set_nodes(source, found)
    if provider == SEND:
        connect(source, properties, found[0])
    configuration_changed(workspace_id)
    return source, token


@transaction.atomic
def modify_source(
    source: Source,
    *,
    values: SourceValues,
    nodes: Sequence[UUID] | None,
    expected_version: int | None,
) -> Source:
    """Change a source; provider, trust and token cannot change.

    `values` are by model field, `nodes` is the new list, None for no change. Values equal to the
    stored ones change nothing. Raises Invalid, and Stale when the version is not
    `expected_version`.
    """
    lock_workspace(source.workspace_id)
    source = lock_source(source)
    if expected_version is not None and expected_version != source.version:
        raise Stale
    properties = coerced_properties(source.provider, values.pop("properties", source.properties))
    present = list(source.nodes.all())
    found = present if nodes is None else _nodes(source.workspace_id, nodes)
    if (
        properties == source.properties
        and {node.id for node in found} == {node.id for node in present}
        and all(getattr(source, name) == value for name, value in values.items())
    ):
        return source
    for name, value in values.items():
        setattr(source, name, value)
    _check_properties(source, properties, found)
    source.properties = without_secret(properties)
    set_nodes(source, found)
    if source.provider == SEND:
        connect(source, properties, found[0])
    _save(source, [*values, "properties"])
    return source


@transaction.atomic
def refresh_source_token(source: Source) -> tuple[Source, str]:
    """Replace a source's token and return it; the old one is void at once."""
    lock_workspace(source.workspace_id)
    source = lock_source(source)
    token = new_source_token()
    source.token_hash = token_hash(token)
    _save(source, ["token_hash"])
    return source, token


@transaction.atomic
def delete_source(source: Source) -> None:
    """Delete a source; records that name it stay."""
    workspace_id = source.workspace_id
    lock_workspace(workspace_id)
    for node in Node.objects.in_workspace(workspace_id).filter(
        source_priority__contains=[source.id]
    ):
        node.source_priority = [known for known in node.source_priority if known != source.id]
        node.save(update_fields=["source_priority"])
    source.delete()
    configuration_changed(workspace_id)


def lock_source(source: Source) -> Source:
    """Lock the source and return it as it is now; raises NotFound."""
    found = (
        Source.objects.in_workspace(source.workspace_id)
        .select_for_update()
        .filter(id=source.id)
        .first()
    )
    if found is None:
        raise NotFound(f"source not found {source.id}")
    return found


def set_nodes(source: Source, nodes: Sequence[Node]) -> None:
    """Set the nodes of its workspace that the source may write."""
    source.nodes.set(nodes, through_defaults={"workspace_id": source.workspace_id})


def _trust_of(provider: str, trusted: bool | None) -> bool:
    """Return whether a new source is trusted; raises Invalid if its provider forbids it."""
    is_trusted = trust_of_source(provider, trusted)
    if is_trusted is None:
        message = f"must be {str(not trusted).lower()} for provider {provider}"
        raise Invalid.at("/trusted", message, "trusted")
    return is_trusted


def _save(source: Source, changed: Any) -> None:
    source.version += 1
    source.updated_at = timezone.now()
    source.save(update_fields=[*changed, "version", "updated_at"])
    configuration_changed(source.workspace_id)


def _check_properties(source: Source, properties: dict[str, Any], nodes: list[Node]) -> None:
    if source.provider == SEND:
        check_send_properties(source, properties, nodes)
        return
    faults = property_faults(source.provider, properties, trusted=source.trusted)
    if faults:
        raise Invalid(errors=faults)


def _nodes(workspace_id: UUID, node_ids: Sequence[UUID]) -> list[Node]:
    found = Node.objects.in_workspace(workspace_id).in_bulk(list(node_ids))
    faults = unknown_references(
        node_ids, found, at="/nodes/{}", message="is not a node of this workspace"
    )
    if faults:
        raise Invalid(errors=faults)
    return list(found.values())
