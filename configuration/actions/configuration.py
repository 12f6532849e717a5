"""Change settings of a whole workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict
from uuid import UUID

from configuration.actions.changing import changing
from configuration.actions.contradictions import check_nobody_contradicts
from configuration.domain.customer_schema import CustomerSchema, toggled
from configuration.domain.event_schema import product_extended_path
from configuration.domain.extended_properties import (
    Definitions,
    changed_indexes,
    disabled_paths,
    redefined,
    removed_properties,
)
from configuration.domain.vocabulary import PRODUCT_EVENT_TYPES
from configuration.models import EventTypeSettings, Workspace
from configuration.queries.property_uses import CUSTOMERS, uses_of
from configuration.signals import (
    country_changed,
    customer_extended_changed,
    placeholders_changed,
    time_zone_changed,
)
from contacthub_project.core.errors import Conflict, FieldError, Forbidden, Invalid, pointer
from contacthub_project.db.sql import fetch_one
from contacthub_project.db.tenant_data import all_owners

PRODUCTS = "products"
KNOWN_ZONE = "SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = %s)"
MOST_USES = 20  # listed in an error


class WorkspaceValues(TypedDict, total=False):
    """Values of a workspace by model field; `max_requests_per_minute` 0 means no limit."""

    name: str
    industry: str
    logo: str | None
    timezone: str
    currency: str
    country: str | None
    placeholder_values: list[str]
    deleted_days: int
    customer_months: int
    follows_merged_ids: bool
    finds_duplicates: bool
    history_days: int
    suppression: str
    quarantine: bool
    max_requests_per_minute: int


def modify_workspace(
    workspace_id: UUID, *, values: WorkspaceValues, expected_version: int | None
) -> Workspace:
    """Change name, industry, logo, time zone, currency, placeholders, retention or throttling.

    Absent values are not changed. Raises Invalid for a time zone that PostgreSQL does not know: it
    computes the days of analytics.
    """
    with changing(workspace_id, expected_version) as workspace:
        zone = values.get("timezone", workspace.timezone)
        days_move = zone != workspace.timezone
        if days_move and not fetch_one(KNOWN_ZONE, [zone])[0]:
            raise Invalid.at("/timezone", "is not known to the database", "enum")
        placeholders, country = workspace.placeholder_values, workspace.country
        for name, value in values.items():
            setattr(workspace, name, value)
        workspace.save(update_fields=list(values))
        if "placeholder_values" in values and workspace.placeholder_values != placeholders:
            placeholders_changed.send(sender=None, workspace_id=workspace_id)
        if workspace.country != country:
            country_changed.send(sender=None, workspace_id=workspace_id)
        if days_move:
            time_zone_changed.send(sender=None, workspace_id=workspace_id)
    return workspace


def set_base_property(
    workspace_id: UUID,
    *,
    path: str,
    enabled: bool,
    expected_version: int | None,
    force: bool = False,
) -> None:
    """Enable or disable a base property of customers, with all properties below it.

    `path` is one of `base_properties`. Raises Conflict when the schema would be impossible, when a
    property in use would be disabled (`configuration.queries.property_uses`), and, unless `force`,
    when stored values of an enabled property are not valid.
    """
    with changing(workspace_id, expected_version) as workspace:
        disabled = toggled(workspace.disabled_base_properties, path, enabled=enabled)
        if not enabled:
            paths = [f"base.{name}" for name in disabled]
            _check_unused(workspace_id, {CUSTOMERS: dict.fromkeys(paths, "")})
        elif not force:
            places = {
                f"base.{name}": ""
                for name in set(workspace.disabled_base_properties) - set(disabled)
            }
            schema = CustomerSchema(disabled, workspace.customer_extended)
            check_nobody_contradicts(workspace_id, schema, places)
        workspace.disabled_base_properties = disabled
        workspace.save(update_fields=["disabled_base_properties"])


def set_customer_extended(
    workspace_id: UUID,
    *,
    definitions: Definitions,
    may_index: bool,
    expected_version: int | None,
    force: bool = False,
) -> None:
    """Replace the definitions of customers' extended properties.

    `definitions` are the result of `read_definitions` and are stored as they are. Raises what
    `_check_redefinable` and `_check_unused` raise, and, unless `force`, Conflict when stored values
    of customers would not be valid.
    """
    with changing(workspace_id, expected_version) as workspace:
        before = workspace.customer_extended
        _check_redefinable(workspace_id, CUSTOMERS, before, definitions, may_index=may_index)
        _check_unused(workspace_id, {CUSTOMERS: _taken_away(before, definitions, at="extended")})
        if not force:
            places = {
                f"extended.{name}": _definition_at(name) for name in redefined(before, definitions)
            }
            schema = CustomerSchema(workspace.disabled_base_properties, definitions)
            check_nobody_contradicts(workspace_id, schema, places)
        workspace.customer_extended = definitions
        workspace.save(update_fields=["customer_extended"])
        customer_extended_changed.send(Workspace, workspace_id=workspace_id)


def set_product_extended(
    workspace_id: UUID,
    *,
    definitions: Definitions,
    may_index: bool,
    expected_version: int | None,
) -> None:
    """Replace the definitions of products' extended properties; see `set_customer_extended`."""
    with changing(workspace_id, expected_version) as workspace:
        before = workspace.product_extended
        _check_redefinable(workspace_id, PRODUCTS, before, definitions, may_index=may_index)
        taken = {
            event_type: _taken_away(before, definitions, at=product_extended_path(event_type))
            for event_type in PRODUCT_EVENT_TYPES
        }
        _check_unused(workspace_id, taken)
        workspace.product_extended = definitions
        workspace.save(update_fields=["product_extended"])


def set_event_extended(
    workspace_id: UUID,
    *,
    event_type: str,
    definitions: Definitions,
    may_index: bool,
    expected_version: int | None,
) -> None:
    """Replace the definitions of an event type's extended properties.

    See `set_customer_extended`.
    """
    with changing(workspace_id, expected_version):
        before = EventTypeSettings.objects.by_type(workspace_id)[event_type].extended
        _check_redefinable(workspace_id, event_type, before, definitions, may_index=may_index)
        taken = _taken_away(before, definitions, at="properties.extended")
        _check_unused(workspace_id, {event_type: taken})
        _update(workspace_id, event_type, extended=definitions)


def set_event_enabled(
    workspace_id: UUID, *, event_type: str, enabled: bool, expected_version: int | None
) -> None:
    """Enable or disable a type of event; events of a disabled type are refused."""
    with changing(workspace_id, expected_version):
        _update(workspace_id, event_type, enabled=enabled)


def set_for_event_types(
    workspace_id: UUID,
    *,
    field: str,
    values: Mapping[str, Any],
    otherwise: Any,
    expected_version: int | None,
) -> None:
    """Set one field of the settings of all types; those not in `values` get `otherwise`."""
    with changing(workspace_id, expected_version):
        EventTypeSettings.objects.in_workspace(workspace_id).exclude(type__in=values).update(
            **{field: otherwise}
        )
        for event_type, value in values.items():
            _update(workspace_id, event_type, **{field: value})


def _update(workspace_id: UUID, event_type: str, **values: Any) -> None:
    EventTypeSettings.objects.update_or_create(
        workspace_id=workspace_id, type=event_type, defaults=values
    )


def _check_redefinable(
    workspace_id: UUID,
    section: str,
    before: Definitions,
    after: Definitions,
    *,
    may_index: bool,
) -> None:
    """Check that definitions may follow the stored ones.

    Raises Forbidden when `indexed` changes and the caller is no operator, Conflict when a property
    with stored values is removed or changes its type: it can be disabled instead
    (docs/decisions/0008-extended-properties.md).
    """
    indexes = changed_indexes(before, after)
    if indexes and not may_index:
        raise Forbidden(f"Only operators change what is indexed: {', '.join(sorted(indexes))}")
    in_use = [
        name
        for name in removed_properties(before, after)
        if any(
            owner.has_values(workspace_id=workspace_id, section=section, name=name)
            for owner in all_owners()
        )
    ]
    if in_use:
        raise Conflict(
            f"There are values of {', '.join(in_use)}: disable instead of removing or retyping",
            errors=[FieldError(_definition_at(name), "has values", "inUse") for name in in_use],
        )


def _taken_away(before: Definitions, after: Definitions, *, at: str) -> dict[str, str]:
    """Return paths below `at` of properties that are removed, retyped or disabled.

    The values of the dict are pointers to the definitions.
    """
    off = [".".join(path) for path in disabled_paths(after)]
    return {
        f"{at}.{name}": _definition_at(name) for name in [*removed_properties(before, after), *off]
    }


def _definition_at(name: str) -> str:
    return pointer(*name.replace(".", ".properties.").split("."))


def _check_unused(workspace_id: UUID, paths: Mapping[str, Mapping[str, str]]) -> None:
    """Raise Conflict if the workspace's configuration uses one of these properties.

    `paths` maps sections (`customers` or a type of event) to paths, and these to pointers into the
    request.
    """
    uses = uses_of(workspace_id, paths)
    if not uses:
        return
    faults = [
        FieldError(
            next(at for path, at in paths[use.section].items() if use.depends_on([path])),
            f"is used by {use}",
            "inUse",
            use.described(),
        )
        for use in uses[:MOST_USES]
    ]
    named = ", ".join(f"{use.path} by {use}" for use in uses[:MOST_USES])
    raise Conflict(
        f"Used: {named}", errors=faults, data={"usedBy": [fault.data for fault in faults]}
    )
