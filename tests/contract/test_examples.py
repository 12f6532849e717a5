"""The examples of the OpenAPI document are true: sent to the product, they are so answered.

RECORD_EXAMPLES=1 writes the answers into the files, for examples that are new or have changed.
"""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.urls import resolve
from drf_spectacular.generators import SchemaGenerator
from jsonschema_rs import Draft202012Validator

from contacthub_project.api import BASE_PATH
from contacthub_project.api.examples import EXAMPLE_VALUES, filled_in, written_examples
from contacthub_project.api.examples import example_file as file_of
from contacthub_project.api.operations import Operation, contract
from contacthub_project.api.parameters import path_parameter
from tests.bulkjobs.test_jobs import BOUNDARY, form
from tests.client import Answer, ApiClient
from tests.contract.test_operations import filled
from tests.contract.world import World

RECORDS = os.environ.get("RECORD_EXAMPLES") == "1"
BY_ID = {each.id: each for methods in contract().values() for each in methods.values()}
# May only shrink.
WITHOUT_EXAMPLES: set[str] = {
    "count_customers", "create_aggregate_node", "create_bulk_job", "create_entry_node",
    "create_source", "create_workspace", "delete_aggregate_node", "delete_bulk_job",
    "delete_entry_node", "delete_source", "delete_workspace", "empty_entry_node", "export_node",
    "get_aggregate_node", "get_base_properties_model", "get_bulk_job", "get_bulk_job_results",
    "get_consent_policy", "get_current_user", "get_customer_base_properties",
    "get_customer_buying_behaviors", "get_customer_channels",
    "get_customer_event_category_distribution", "get_customer_extended_properties",
    "get_customer_properties", "get_customer_registrations", "get_customer_updates",
    "get_default_matching_policy", "get_ecommerce_kpis", "get_entry_node",
    "get_entry_node_rekeying", "get_entry_node_retention_policy",
    "get_entry_node_retention_policy_enabled", "get_event_configuration",
    "get_event_extended_properties", "get_event_payload_size", "get_event_properties",
    "get_event_type_stats", "get_event_updates", "get_health", "get_matching_policy",
    "get_node_retention_policy", "get_node_send_source", "get_plan_model",
    "get_product_extended_properties", "get_products_update_policy", "get_purchase_kpis",
    "get_retention_policy", "get_retention_policy_status", "get_send_source", "get_source",
    "get_throttling", "get_user", "get_web_kpis", "get_workspace", "get_workspace_configuration",
    "get_workspace_stats", "list_aggregate_node_send_source_subscriptions",
    "list_aggregate_nodes", "list_bulk_jobs", "list_contexts", "list_entry_nodes",
    "list_event_categories", "list_event_configurations", "list_event_types",
    "list_group_send_sources", "list_merge_policies", "list_node_stats", "list_nodes",
    "list_providers", "list_send_source_fields", "list_send_source_subscriptions",
    "list_send_sources", "list_shards", "list_sources", "list_users", "list_workspaces",
    "refresh_source_token", "update_aggregate_node", "update_aggregate_node_state",
    "update_consent_policy", "update_customer_base_property",
    "update_customer_base_property_enabled", "update_customer_extended_properties",
    "update_entry_node", "update_entry_node_retention_policy",
    "update_entry_node_retention_policy_enabled", "update_event_configuration",
    "update_event_enabled", "update_event_extended_properties", "update_event_payload_size",
    "update_matching_policy", "update_node_retention_policy",
    "update_product_extended_properties", "update_products_update_policy",
    "update_retention_policy", "update_source", "update_throttling", "update_user",
    "update_workspace_configuration", "update_workspace_status",
}  # fmt: skip


def module_of(operation: Operation) -> str:
    """The module of the view that serves an operation."""
    view: Any = resolve(BASE_PATH + filled(operation.path)).func
    return str(view.cls.__module__)


def example_file(operation: Operation) -> Path:
    return file_of(module_of(operation), operation.id)


EXAMPLES = [
    (operation, index)
    for operation in BY_ID.values()
    for index in range(len(written_examples(module_of(operation), operation.id)))
]


# What is another in each run, and what stands for it in the files.

UUIDS = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
OURS = "019a4c1e-8f00-"
MOMENTS = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")
MOMENT = "2025-11-25T08:50:05.248Z"
TEXTS = {
    "token": "a-token-that-is-shown-once", "next": "an-opaque-cursor",
    "hash": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
}  # fmt: skip
AUTHORS = {"registeredBy", "updatedBy"}  # sources, and users by their numbers as texts
NUMBERS = {"intId": 1001, "id": 101, "userId": 11}


class Steady:
    """Replaces in an answer what is another in each run.

    Ids of the world become their `{name}`; others, and numbers of rows, are numbered by their order
    of appearance; moments since the world began become one moment; tokens and cursors one text.
    """

    def __init__(self, operation: Operation, values: dict[str, Any], began: datetime) -> None:
        # A user and a line of the log can have the same number.
        other = "userId" if "/consent-logs" in operation.path else "consentLogId"
        self.names = {value: f"{{{name}}}" for name, value in values.items() if name != other}
        self.began = began - timedelta(minutes=1)
        self.ended = datetime.now(UTC) + timedelta(minutes=1)
        self.made: dict[Any, Any] = {}

    def answer(self, value: Any, key: str = "") -> Any:
        match value:
            case dict():
                return {self.text(name): self.answer(child, name) for name, child in value.items()}
            case list():
                return [self.answer(child) for child in value]
            case str() if key in AUTHORS and value.isdigit():
                return str(self.answer(int(value), "userId"))
            case str():
                is_id = UUIDS.fullmatch(value)  # the `next` of an event is one
                return TEXTS[key] if key in TEXTS and not is_id else self.text(value)
            case int() if key in NUMBERS and not isinstance(value, bool):
                if key == "id" and value in self.names:
                    return self.names[value]
                known = sum(1 for name, _ in self.made if name == key)
                return self.made.setdefault((key, value), NUMBERS[key] + known)
        return value

    def text(self, value: str) -> str:
        return MOMENTS.sub(self._moment, UUIDS.sub(self._id, value))

    def _id(self, found: re.Match[str]) -> str:
        uuid = found[0]
        if uuid in self.names or uuid.startswith(OURS):
            return str(self.names.get(uuid, uuid))
        known = sum(1 for name, _ in self.made if name == "uuid")
        return str(self.made.setdefault(("uuid", uuid), f"{OURS}7000-8000-{101 + known:012}"))

    def _moment(self, found: re.Match[str]) -> str:
        moment = datetime.fromisoformat(found[0])
        return MOMENT if self.began <= moment <= self.ended else found[0]


@cache
def document() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def check(value: Any, schema: dict[str, Any]) -> None:
    """Refuse a value that is not as the schema of the document says."""
    whole = {**schema, "components": document()["components"]}
    Draft202012Validator(whole, validate_formats=True).validate(value)


def path_values(operation: Operation, given: dict[str, Any], world: World) -> dict[str, Any]:
    """The path's parameters: those of the example, else the world's, else the document's."""
    names = {value: name for name, value in EXAMPLE_VALUES.items()}
    values = {}
    for name in re.findall(r"{(\w+)}", operation.path):
        published = path_parameter(operation.path, name)[2]
        thing = names.get(published)
        values[name] = given.get(name, world.values[thing] if thing else published)
    return values


def sent(operation: Operation, example: dict[str, Any], world: World) -> Answer:
    """The product's answer to an example's request."""
    request = filled_in(example["request"], world.values)
    role = example["role"]
    client = ApiClient() if role is None else world.clients[role]
    options = {name.replace("-", "_"): value for name, value in request.get("headers", {}).items()}
    if "body" in request:
        body, kind = request["body"], request.get("contentType", "application/json")
        options |= {"content_type": kind}
        if kind == "multipart/form-data":
            fields = {name: value for name, value in body.items() if name != "file"}
            options["raw"] = form(body["file"].encode(), **fields)
            options["content_type"] = f"{kind}; boundary={BOUNDARY}"
        else:
            text = body if isinstance(body, str) else json.dumps(body)
            options["raw"] = text.encode()
    path = operation.path.format(**path_values(operation, request.get("path", {}), world))
    return client.request(operation.method, path, query=request.get("query", {}), **options)


def shown(answer: Answer, steady: Steady) -> dict[str, Any]:
    """The answer as a file holds it."""
    found: dict[str, Any] = {"status": answer.status}
    if answer.content:
        kind = answer.headers["Content-Type"].split(";")[0]
        if kind == "application/json":
            found["body"] = steady.answer(answer.json)
        else:
            found |= {"contentType": kind, "body": steady.text(answer.content.decode())}
    return found


def test_operations_without_examples_are_those_of_the_list() -> None:
    assert {each for each in BY_ID if not example_file(BY_ID[each]).exists()} == WITHOUT_EXAMPLES


def test_every_thing_of_the_world_is_published_as_another() -> None:
    assert len(set(EXAMPLE_VALUES.values())) == len(EXAMPLE_VALUES)


def test_no_file_is_of_an_operation_that_is_not_there() -> None:
    folders = {example_file(each).parent for each in BY_ID.values()}
    found = {file for folder in folders for file in folder.glob("*.json")}
    assert found <= {example_file(each) for each in BY_ID.values()}
    for operation in BY_ID.values():
        examples = written_examples(module_of(operation), operation.id)
        names = [each["name"] for each in examples]
        assert len(set(names)) == len(names)
        assert not examples or examples[0]["response"]["status"] < 400, operation.id


@pytest.mark.parametrize(
    ("operation", "index"), EXAMPLES, ids=[f"{each.id}-{index}" for each, index in EXAMPLES]
)
def test_examples_are_true(
    operation: Operation, index: int, db: None, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "bulk-jobs").mkdir()
    began = datetime.now(UTC)
    world = World()
    assert world.values.keys() == EXAMPLE_VALUES.keys()
    example = written_examples(module_of(operation), operation.id)[index]
    answer = sent(operation, example, world)
    found = shown(answer, Steady(operation, world.values, began))
    assert found["status"] == example["response"]["status"], answer.content

    described = document()["paths"][operation.path][operation.method.lower()]
    request = filled_in(example["request"], world.values)
    names = {(each["in"], each["name"]) for each in described.get("parameters", ())}
    given = {("query", name) for name in request.get("query", {})}
    assert given | {("header", name) for name in request.get("headers", {})} <= names
    if "body" in request and answer.status < 400:
        kind = request.get("contentType", "application/json")
        check(request["body"], described["requestBody"]["content"][kind]["schema"])
    content = described["responses"][str(answer.status)].get("content", {})
    if "body" in found:
        kind = found.get("contentType", "application/json")
        value = answer.json if kind == "application/json" else answer.content.decode()
        check(value, content[kind]["schema"])

    if RECORDS:
        file = example_file(operation)
        examples = json.loads(file.read_text())
        examples[index]["response"] = found
        file.write_text(json.dumps(examples, indent=1, ensure_ascii=False) + "\n")
    else:
        assert found == example["response"]
