"""The examples of the OpenAPI document are true: sent to the product, they are so answered.

RECORD_EXAMPLES=1 writes the answers into the files, for examples that are new or have changed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings
from django.urls import resolve
from pytest_django import DjangoDbBlocker

from configuration.queries import rules
from contacthub_project.api import BASE_PATH
from contacthub_project.api.examples import EXAMPLE_VALUES, filled_in, written_examples
from contacthub_project.api.examples import example_file as file_of
from contacthub_project.api.operations import Operation, contract
from contacthub_project.api.parameters import path_parameter
from contacthub_project.messaging.shared_version import shared_version
from contacthub_project.runtime import health
from tests.bulkjobs.test_jobs import BOUNDARY, form
from tests.client import Answer, ApiClient
from tests.contract.document import check, document, parameters_of
from tests.contract.test_operations import filled
from tests.contract.world import World

BEGAN = datetime.now(UTC)
RECORDS = os.environ.get("RECORD_EXAMPLES") == "1"
BY_ID = {each.id: each for methods in contract().values() for each in methods.values()}


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
    "secret": "whsec_YSBzZWNyZXQgb2YgMzIgYnl0ZXMgdG8gc2lnbiBieQ==",
    "messageId": "msg_019a4c1e8f007000800000000000000e_0_12_12",
    "token": "a-token-that-is-shown-once", "next": "an-opaque-cursor",
    "day": "2025-11-25",
    "hash": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    "previousHash": "0" * 64, "keyId": "a70041c3b63b7d13",
}  # fmt: skip
AUTHORS = {
    "registeredBy",
    "updatedBy",
    "mergedBy",
    "undoneBy",
    "dismissedBy",
    "pinnedBy",
    "author",
}  # sources, and users by their numbers as texts
NUMBERS = {
    "milliseconds": 42,
    "deliveredOffset": 12,
    "firstOffset": 12,
    "lastOffset": 12,
    "intId": 1001,
    "id": 101,
    "userId": 11,
    "liftedBy": 11,
    "createdBy": 11,
    "closedBy": 11,
}


def earlier(moment: datetime, months: int) -> datetime:
    """So many months before, or on the last day of that month."""
    last = moment
    for _ in range(months):
        last = last.replace(day=1) - timedelta(days=1)
    return last.replace(day=min(moment.day, last.day))


class Normalizer:
    """Replaces in an answer what is another in each run.

    Ids of the world become their `{name}`; others, and numbers of rows, are numbered by their order
    of appearance; moments since the world began become one moment, and moments that are so many
    months before today so many months before that one; tokens and cursors one text.
    """

    def __init__(self, operation: Operation, values: dict[str, Any], began: datetime) -> None:
        # A user, a line of the log and another row can have the same number.
        others = {"userId", "consentLogId"}
        others -= {"consentLogId"} if "/consent-logs" in operation.path else set()
        others -= {"userId"} if "/users" in operation.path else set()
        self.names = {value: f"{{{name}}}" for name, value in values.items() if name not in others}
        self.began = began - timedelta(minutes=1)
        self.ended = datetime.now(UTC) + timedelta(minutes=1)
        self.made: dict[Any, Any] = {}

    def answer(self, value: Any, key: str = "") -> Any:
        match value:
            case {"months": int(months), "deletedBefore": str(before)}:
                return {"months": months, "deletedBefore": self.months_ago(before, months)}
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

    def months_ago(self, before: str, months: int) -> str:
        """So many months before MOMENT, for what is so many months before now."""
        moment = datetime.fromisoformat(before)
        assert earlier(self.began, months) <= moment <= earlier(self.ended, months)
        return earlier(datetime.fromisoformat(MOMENT), months).strftime(f"%FT%T{MOMENT[-5:]}")

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
        if not self.began <= moment <= self.ended:
            return found[0]
        return MOMENT if found[0].endswith("Z") else MOMENT.replace("Z", "+0000")


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


def displayed(answer: Answer, steady: Normalizer) -> dict[str, Any]:
    """The answer as a file holds it."""
    found: dict[str, Any] = {"status": answer.status}
    if answer.content:
        kind = answer.headers["Content-Type"].split(";")[0]
        if kind == "application/json":
            found["body"] = steady.answer(answer.json)
        else:
            found |= {"contentType": kind, "body": steady.text(answer.content.decode())}
    return found


def test_every_operation_has_examples() -> None:
    assert [each.id for each in BY_ID.values() if not example_file(each).exists()] == []


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


@pytest.mark.parametrize("operation", BY_ID.values(), ids=list(BY_ID))
def test_every_example_is_published(operation: Operation) -> None:
    described = document()["paths"][operation.path][operation.method.lower()]
    bodies = described.get("requestBody", {}).get("content", {}).values()
    assert all(each.get("examples") for each in bodies)
    for example in written_examples(module_of(operation), operation.id):
        answer = example["response"]
        content = described["responses"][str(answer["status"])].get("content", {})
        published = [
            each.get("summary", name)  # a name of one word is its own summary
            for kind in content.values()
            for name, each in kind.get("examples", {}).items()
        ]
        assert "body" not in answer or example["name"] in published


@pytest.fixture(scope="module")
def committed_world(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[World, Path]]:
    """The world, committed once for all examples, and the folder of its files."""
    files = tmp_path_factory.mktemp("files")
    (files / "bulk-jobs").mkdir()
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=files):
        try:
            yield World(), files
        finally:
            call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def world(committed_world: tuple[World, Path], db: None, settings: Any, tmp_path: Path) -> World:
    """The world as it was made: what an example changes is undone, and forgotten by caches."""
    made, files = committed_world
    settings.MEDIA_ROOT = shutil.copytree(files, tmp_path / "files")
    rules._snapshots.forget(made.workspace.id)
    shared_version.advance()
    health.record_heartbeat()
    return made


@pytest.mark.parametrize(
    ("operation", "index"), EXAMPLES, ids=[f"{each.id}-{index}" for each, index in EXAMPLES]
)
def test_examples_are_true(operation: Operation, index: int, world: World) -> None:
    assert world.values.keys() == EXAMPLE_VALUES.keys()
    example = written_examples(module_of(operation), operation.id)[index]
    answer = sent(operation, example, world)
    found = displayed(answer, Normalizer(operation, world.values, BEGAN))
    assert found["status"] == example["response"]["status"], answer.content

    described = document()["paths"][operation.path][operation.method.lower()]
    request = filled_in(example["request"], world.values)
    names = {(each["in"], each["name"]) for each in parameters_of(described)}
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
