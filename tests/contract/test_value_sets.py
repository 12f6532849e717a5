"""Every field whose values are a closed set says which, in every body and answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps

from contacthub_project.api.operations import Operation
from tests.contract.document import Schema, components, document, inside, nodes, resolved
from tests.contract.test_examples import BY_ID, module_of, written_examples

# Fields of published sets that are kept in no model, by their names.
OF_VOCABULARIES = {
    "category", "conjunction", "context", "currency", "customerUniquenessPolicy", "dateFormat",
    "eventType", "eventTypes", "industry", "kind", "mergePolicy", "mode", "nodeType",
    "notificationService", "operator", "permission", "provider", "recordedOperation", "roles",
    "schoolType", "supportedTypes", "timezone", "workspaceStatus",
}  # fmt: skip
# Texts that clients write as they like, or that name a format of which there may be more.
FREE = {
    "CustomerLike.category", "CustomerSubscription.type", "CustomerSubscriptionSelection.type",
    "PlanField.type", "PlanHubProperty.type",
    # Why somebody wants it, and whom it is about, in their words.
    "SuppressionLiftRequest.reason", "LookUpRequest.reason", "RestrictionRequest.reason",
    "DataSubjectRequest.subject", "DataSubjectRequestInput.subject",
    "DataSubjectRequestUpdate.subject",
}  # fmt: skip


def fields_with_choices() -> set[str]:
    """The names, as the API spells them, of all fields of models that have choices."""
    names = set()
    for model in apps.get_models():
        if model.__module__.partition(".")[0] not in {
            "analytics", "bulkjobs", "configuration", "customers", "events",
        }:  # fmt: skip
            continue
        for field in model._meta.get_fields():
            if getattr(getattr(field, "base_field", field), "choices", None):
                first, *others = field.name.split("_")
                names.add(first + "".join(word.title() for word in others))
    return names


def parts(schema: Schema) -> Iterator[Schema]:
    """The schemas that a value must or may be as, of a list those of its items."""
    schema = resolved(schema)
    yield schema
    for keyword in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(keyword, ()):
            yield from parts(each)
    if isinstance(schema.get("items"), dict):
        yield from parts(schema["items"])


def is_text(schema: Schema) -> bool:
    return any("string" in each.get("type", ()) for each in parts(schema))


def has_set(schema: Schema) -> bool:
    return any("enum" in each for each in parts(schema))


def test_choices_of_models_and_vocabularies_are_sets() -> None:
    named = fields_with_choices() | OF_VOCABULARIES
    assert {"status", "state", "type", "roles", "entity", "operation", "provider"} <= named
    lacking = {
        f"{name}.{field}"
        for name, schema in components().items()
        for _, part in [(name, schema), *inside(schema, name)]
        for field, child in part.get("properties", {}).items()
        if field in named and is_text(child) and not has_set(child)
    }
    assert lacking == FREE


def test_sets_of_values_are_named() -> None:
    inline = [
        at for at, node in nodes(document()["paths"], "") if isinstance(node.get("enum"), list)
    ]
    for name, schema in components().items():
        found = [at for at, node in nodes(schema, name) if isinstance(node.get("enum"), list)]
        inline += [at for at in found if at != name]
    assert inline == []


def known_values() -> set[str]:
    """The values of all sets but those that are common words."""
    values = {
        value
        for schema in components().values()
        for value in schema.get("enum", ())
        if isinstance(value, str)
    }
    return {value for value in values if len(value) > 2 and not value.islower()}


def texts(value: Any, schemas: list[Schema], at: str) -> Iterator[tuple[str, str, list[Schema]]]:
    """Each text of a value, where it stands, and the schemas that speak of it."""
    within = [part for schema in schemas for part in parts(schema)]
    match value:
        case dict():
            for key, child in value.items():
                inner = [
                    each["properties"][key] for each in within if key in each.get("properties", {})
                ]
                more = [each.get("additionalProperties") for each in within]
                inner = inner or [each for each in more if isinstance(each, dict)]
                if inner and key != "label":  # what is open is the client's own
                    yield from texts(child, inner, f"{at}.{key}")
        case list():
            items = [each["items"] for each in within if isinstance(each.get("items"), dict)]
            for child in value:
                yield from texts(child, items, f"{at}[]")
        case str():
            yield at, value, within


@pytest.mark.parametrize("operation", BY_ID.values(), ids=list(BY_ID))
def test_values_of_sets_stand_in_fields_that_name_them(operation: Operation) -> None:
    described = document()["paths"][operation.path][operation.method.lower()]
    known = known_values()
    lacking = set()
    for example in written_examples(module_of(operation), operation.id):
        answer = example["response"]
        if answer["status"] >= 400 or not isinstance(answer.get("body"), dict | list):
            continue
        content = described["responses"][str(answer["status"])]["content"]
        schema = content["application/json"]["schema"]
        for at, value, schemas in texts(answer["body"], [schema], ""):
            if value in known and not any("enum" in each for each in schemas):
                lacking.add((at, value))
    assert lacking == set()
