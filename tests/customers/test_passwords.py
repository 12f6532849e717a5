"""`base.credential.password`: encrypted where it is stored, read by few, lost by nobody's mistake."""

from __future__ import annotations

import io
import json
import uuid
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from configuration.actions import building
from configuration.models import User
from contacthub_project.admin.api_client import Api
from customers.models import Customer
from tests.client import ApiClient
from tests.customers.test_aggregates import activate, make, merge_all_pending
from tests.factories import Hub

SECRET = "correct horse battery staple"
READERS = {"ADMIN", "TRUSTED_APPLICATION"}
WRITERS = {"CLAB_OPERATOR", "ADMIN", "USER", "TRUSTED_APPLICATION"}
BLIND_WRITERS = sorted(WRITERS - READERS)


@pytest.fixture
def person(hub: Hub) -> dict[str, Any]:
    base = {
        "contacts": {"email": "zoe@example.com"},
        "credential": {"username": "zoe", "password": SECRET},
    }
    answer = hub.post_customer(base=base)
    assert answer.status == 201
    found: dict[str, Any] = answer.json
    return found


def path_of(hub: Hub, person: dict[str, Any]) -> str:
    return f"{hub.path}/customers/{person['id']}"


def password(client: ApiClient, path: str) -> Any:
    return client.get(path).json["base"]["credential"]["password"]


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(base::text, ' ') FROM customers_customer")
        text: str = cursor.fetchone()[0]
    return text


def test_the_database_holds_no_password_that_can_be_read(hub: Hub, person: dict[str, Any]) -> None:
    assert SECRET not in stored()
    assert "encrypted" in stored()


def test_those_who_may_read_it_get_it_and_all_others_null(hub: Hub, person: dict[str, Any]) -> None:
    assert person["base"]["credential"] == {"username": "zoe", "password": SECRET}
    for role in ("CLAB_OPERATOR", "ADMIN", "USER", "GUEST", "TRUSTED_APPLICATION"):
        client = hub.clients[role]
        expected = SECRET if role in READERS else None
        assert password(client, path_of(hub, person)) == expected, role
        listed = client.get(f"{hub.path}/customers", query={"nodeId": hub.node.id}).json[
            "elements"
        ][0]
        assert listed["base"]["credential"] == {"username": "zoe", "password": expected}
        query = {"nodeId": hub.node.id, "fields": "base.credential.password"}
        fields = client.get(f"{hub.path}/customers", query=query)
        assert fields.json["elements"][0]["base"]["credential"]["password"] == expected


@pytest.mark.parametrize("role", ["USER", "CLAB_OPERATOR", "UNTRUSTED_APPLICATION"])
def test_who_sends_one_without_being_allowed_to_read_does_not_get_it(hub: Hub, role: str) -> None:
    base = {"contacts": {"email": "x@example.com"}, "credential": {"password": SECRET}}
    answer = hub.post_customer(hub.clients[role], base=base)
    assert answer.status == 201
    assert answer.json["base"]["credential"]["password"] is None
    assert password(hub.trusted, f"{hub.path}/customers/{answer.json['id']}") == SECRET


@pytest.mark.parametrize("role", BLIND_WRITERS)
@pytest.mark.parametrize("mode", [{}, {"mode": "STRICT"}])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
def test_sending_back_what_was_read_without_it_does_not_remove_it(
    hub: Hub, person: dict[str, Any], role: str, mode: dict[str, str], method: str
) -> None:
    client, path = hub.clients[role], path_of(hub, person)
    body = client.get(path).json
    body["base"]["firstName"] = "Zoë"
    if method == "POST":
        answer = client.post(f"{hub.path}/customers", body)
    else:
        answer = client.request(method, path, body, query=mode)
    assert answer.status == 200, answer.json
    assert answer.json["base"]["firstName"] == "Zoë"
    assert password(hub.trusted, path) == SECRET


@pytest.mark.parametrize("gone", [{"credential": None}, {"credential": {"password": None}}])
def test_only_who_can_read_it_can_remove_it(
    hub: Hub, person: dict[str, Any], gone: dict[str, Any]
) -> None:
    path = path_of(hub, person)
    hub.clients["USER"].patch(path, {"base": gone})
    assert password(hub.trusted, path) == SECRET
    assert hub.admin.patch(path, {"base": gone}).status == 200
    assert (hub.trusted.get(path).json["base"]["credential"] or {}).get("password") is None


def test_anybody_who_writes_can_set_another_one(hub: Hub, person: dict[str, Any]) -> None:
    path = path_of(hub, person)
    changed = hub.clients["USER"].patch(path, {"base": {"credential": {"password": "new"}}})
    assert changed.json["version"] == 2
    assert password(hub.admin, path) == "new"


def test_writing_the_same_password_changes_nothing(hub: Hub, person: dict[str, Any]) -> None:
    path = path_of(hub, person)
    same = hub.admin.patch(path, {"base": {"credential": {"password": SECRET}}})
    assert same.json["version"] == 1


@pytest.mark.parametrize("value", [{"encrypted": "gAAA"}, ["x"], "x" * 256])
def test_only_short_text_is_a_password(hub: Hub, person: dict[str, Any], value: Any) -> None:
    answer = hub.admin.patch(path_of(hub, person), {"base": {"credential": {"password": value}}})
    assert answer.status == 400
    assert "gAAA" not in answer.content.decode()


def test_the_longest_password_and_all_signs_come_back(hub: Hub, person: dict[str, Any]) -> None:
    for value in ("😀" * 255, " ", '"\\', "null"):
        answer = hub.admin.patch(
            path_of(hub, person), {"base": {"credential": {"password": value}}}
        )
        assert answer.json["base"]["credential"]["password"] == value


@pytest.mark.parametrize("operator", ["EQUALS", "IN", "IS_NULL", "CONTAINS_FOLDED", "GT"])
def test_it_cannot_be_searched(hub: Hub, operator: str) -> None:
    condition = {"type": "atomic", "attribute": "base.credential.password", "operator": operator}
    if operator != "IS_NULL":
        condition["value"] = SECRET
    are = {"type": "simple", "name": "", "are": {"condition": condition}}
    query = {"nodeId": hub.node.id, "query": json.dumps({"name": "", "query": are})}
    answer = hub.trusted.get(f"{hub.path}/customers", query=query)
    assert answer.status == 400
    assert answer.json["errors"][0]["path"] == "/query/query/are/condition/attribute"
    assert SECRET not in answer.content.decode()


def test_nothing_is_sorted_or_recognised_by_it(hub: Hub) -> None:
    query = {"nodeId": hub.node.id, "sort": "base.credential.password"}
    assert hub.trusted.get(f"{hub.path}/customers", query=query).status == 400
    policy = {"properties": ["base.credential.password"], "caseSensitive": True}
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}/unique-customer-matching-policy"
    answer = hub.operator.put(path, policy)
    assert (answer.status, answer.paths) == (400, {"/properties/0"})


def test_the_feed_and_the_persons_export_leave_it_out(hub: Hub, person: dict[str, Any]) -> None:
    for role in ("PLATFORM_UPDATES", "TRUSTED_APPLICATION", "ADMIN"):
        updates = hub.clients[role].get(f"{hub.path}/updates")
        assert updates.status == 200
        assert SECRET not in updates.content.decode()
        assert "encrypted" not in updates.content.decode()
    export = hub.clients["DPO"].get(f"{hub.path}/data-protection/customers/{person['id']}/export")
    assert export.status == 200
    assert SECRET not in export.content.decode()
    assert "encrypted" not in export.content.decode()


def test_the_back_office_shows_it_to_nobody_and_keeps_it(hub: Hub, person: dict[str, Any]) -> None:
    path = path_of(hub, person)
    administrator = User.objects.get(roles=["ADMIN"])
    api = Api(administrator)
    document = api.get(path).json
    assert document["base"]["credential"] == {"username": "zoe", "password": None}
    document["base"]["firstName"] = "Zoë"
    assert api.write("PUT", path, document).status == 200
    assert password(hub.trusted, path) == SECRET


def test_an_aggregate_customer_has_it_too_and_hides_it(hub: Hub, person: dict[str, Any]) -> None:
    node = make(hub)
    activate(hub, node)
    assert building.build_all(seconds=60)
    merge_all_pending()
    (copy,) = Customer.objects.filter(workspace_id=hub.workspace.id, node_id=node)
    path = f"{hub.path}/customers/{copy.id}"
    assert SECRET not in stored()
    assert password(hub.admin, path) == SECRET
    assert password(hub.operator, path) is None
    version = copy.version
    hub.admin.patch(path_of(hub, person), {"base": {"credential": {"password": SECRET}}})
    merge_all_pending()
    copy.refresh_from_db()
    assert copy.version == version


def test_a_new_key_takes_over_and_the_old_one_can_go(
    hub: Hub, person: dict[str, Any], settings: Any
) -> None:
    path = path_of(hub, person)
    old = settings.ENCRYPTION_KEYS or [settings.SECRET_KEY]
    settings.ENCRYPTION_KEYS = ["new", *old]
    assert password(hub.admin, path) == SECRET
    out = io.StringIO()
    call_command("rotate_keys", stdout=out)
    assert "passwords of customers: 1" in out.getvalue()
    settings.ENCRYPTION_KEYS = ["new"]
    assert password(hub.admin, path) == SECRET
    assert hub.admin.get(path).json["version"] == 1


def test_a_new_key_takes_over_journals_of_merges(
    hub: Hub, person: dict[str, Any], settings: Any
) -> None:
    survivor = hub.post_customer(base={"contacts": {"email": "survivor@example.com"}})["id"]
    merge = hub.admin.post(f"{hub.path}/customers/{survivor}/merge", {"customers": [person["id"]]})
    assert merge.status == 200, merge.content
    old = settings.ENCRYPTION_KEYS or [settings.SECRET_KEY]
    settings.ENCRYPTION_KEYS = ["new", *old]
    out = io.StringIO()
    call_command("rotate_keys", stdout=out)
    # The survivor has it after the merge, and the one who went had it.
    assert "passwords in journals of merges: 2" in out.getvalue()
    settings.ENCRYPTION_KEYS = ["new"]
    assert hub.admin.post(f"{hub.path}/merges/{merge['id']}/undo").status == 200
    assert password(hub.admin, path_of(hub, person)) == SECRET
    own = hub.admin.get(f"{hub.path}/customers/{survivor}").json["base"]
    assert own["credential"] is None


def test_a_missing_key_hides_the_password_and_nothing_else(
    hub: Hub, person: dict[str, Any], settings: Any
) -> None:
    path, before = path_of(hub, person), stored()
    old = settings.ENCRYPTION_KEYS or [settings.SECRET_KEY]
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert password(hub.admin, path) is None
    changed = hub.clients["USER"].patch(path, {"base": {"firstName": "Zoë"}})
    assert changed.json["base"]["firstName"] == "Zoë"
    with pytest.raises(CommandError, match="No key fits 1 secret"):
        call_command("rotate_keys", stdout=io.StringIO())
    settings.ENCRYPTION_KEYS = old
    assert password(hub.admin, path) == SECRET
    assert (
        json.loads(before)["credential"]["password"] in json.loads(stored())["credential"].values()
    )


def test_a_password_that_was_stored_as_it_was_sent_is_encrypted_by_the_rotation(hub: Hub) -> None:
    base = {"contacts": {"email": "old@example.com"}, "credential": {"password": "plain text"}}
    answer = hub.post_customer(base={"contacts": {"email": "old@example.com"}})
    Customer.objects.filter(workspace_id=hub.workspace.id, id=answer.json["id"]).update(base=base)
    call_command("rotate_keys", stdout=io.StringIO())
    assert "plain text" not in stored()
    assert password(hub.admin, f"{hub.path}/customers/{answer.json['id']}") == "plain text"


def test_unknown_customers_are_still_unknown(hub: Hub) -> None:
    assert hub.admin.get(f"{hub.path}/customers/{uuid.uuid4()}").status == 404
