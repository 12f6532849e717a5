"""Educations, jobs and likes as resources below a customer."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from contacthub_project.api.operations import contract
from customers.models import Change
from tests.client import ApiClient
from tests.contract.document import document
from tests.customers.test_aggregates import activate, make, people
from tests.factories import Hub, make_node, make_token, make_user

LISTS: dict[str, dict[str, Any]] = {
    "educations": {
        "id": "liceo", "schoolType": "HIGH_SCHOOL", "schoolName": "Liceo Manzoni",
        "schoolConcentration": None, "startYear": 1994, "endYear": 1999, "isCurrent": False,
    },
    "jobs": {
        "id": "acme-2024", "companyIndustry": "Software", "companyName": "Acme",
        "jobTitle": "Engineer", "startDate": "2024-02-01", "endDate": None, "isCurrent": True,
    },
    "likes": {
        "id": "sailing", "category": "Sport", "name": "Sailing",
        "createdTime": "2024-05-01T10:00:00.000Z",
    },
}  # fmt: skip
EMAIL = {"contacts": {"email": "ada@example.com"}}
each_list = pytest.mark.parametrize("name", LISTS)


def elements_path(hub: Hub, name: str, **base: Any) -> tuple[str, str]:
    """The paths of a new customer and of its list."""
    customer = f"{hub.path}/customers/{hub.post_customer(base={**EMAIL, **base})['id']}"
    return customer, f"{customer}/{name}"


@each_list
def test_an_element_from_birth_to_end(hub: Hub, name: str) -> None:
    whole = LISTS[name]
    customer, path = elements_path(hub, name)
    assert hub.trusted.get(path).json == {"elements": []}

    sent = {key: value for key, value in whole.items() if value is not None}
    created = hub.trusted.post(path, sent)
    assert (created.status, created.json) == (201, whole)
    assert hub.trusted.get(f"{path}/{whole['id']}").json == whole
    assert hub.trusted.get(path).json == {"elements": [whole]}
    displayed = hub.trusted.get(customer)
    assert (displayed["base"][name], displayed["version"]) == ([sent], 2)

    assert hub.trusted.post(path, sent).status == 409
    changes = Change.objects.count()
    again = hub.trusted.put(f"{path}/{whole['id']}", whole)
    assert (again.status, again.json) == (200, whole)
    assert Change.objects.count() == changes

    bare = dict.fromkeys(whole) | {"id": whole["id"]}
    replaced = hub.trusted.put(f"{path}/{whole['id']}", {})
    assert (replaced.status, replaced.json) == (200, bare)
    assert Change.objects.count() == changes + 1
    assert hub.trusted.get(customer)["base"][name] == [{"id": whole["id"]}]

    removed = hub.trusted.delete(f"{path}/{whole['id']}")
    assert (removed.status, removed.json) == (200, {})
    assert hub.trusted.get(customer)["base"][name] == []
    for answer in (
        hub.trusted.get(f"{path}/{whole['id']}"),
        hub.trusted.put(f"{path}/{whole['id']}", sent),
        hub.trusted.delete(f"{path}/{whole['id']}"),
    ):
        assert answer.status == 404
        assert answer["message"].endswith(f"not found {whole['id']}")


def test_an_id_is_made_for_an_element_without(hub: Hub) -> None:
    """The same as in writes of the whole customer: made of the content."""
    customer, path = elements_path(hub, "jobs")
    made = hub.trusted.post(path, {"companyName": "Acme"})
    assert made.status == 201
    assert hub.trusted.get(f"{path}/{made['id']}").json == made.json
    assert hub.trusted.post(path, {"companyName": "Acme"}).status == 409
    same = {"base": {"jobs": [{"companyName": "Acme"}]}}
    assert hub.trusted.patch(customer, same)["version"] == 2


def test_ids_are_texts_of_the_clients(hub: Hub) -> None:
    _, path = elements_path(hub, "likes")
    for good in ("1", "Novità", "日本", "a b", "a.b@c", "é", "x" * 255):
        assert hub.trusted.post(path, {"id": good}).status == 201
        assert hub.trusted.get(f"{path}/{good}").status == 200
        assert hub.trusted.put(f"{path}/{good}", {"id": good, "name": "n"})["name"] == "n"
    # In any Unicode form.
    assert hub.trusted.get(f"{path}/Novita\u0300")["id"] == "Novità"
    assert hub.trusted.post(path, {"id": "Novita\u0300"}).status == 409
    assert hub.trusted.put(f"{path}/Novita\u0300", {"id": "Novità"}).status == 200
    moved = hub.trusted.put(f"{path}/1", {"id": "2"})
    assert (moved.status, moved.paths) == (400, {"/id"})
    for unknown in ("2", "x" * 3000, "a\0b", "%00", "1 "):
        for method, body in (("GET", None), ("PUT", {}), ("DELETE", None)):
            sent = [f"{path}/{unknown}"] if body is None else [f"{path}/{unknown}", body]
            assert hub.trusted.request(method, *sent).status == 404, (method, unknown)


@pytest.mark.parametrize(
    ("name", "body", "places"),
    [
        ("jobs", {"id": ""}, {"/id"}), ("jobs", {"id": 7, "shoe": 1}, {"/id", "/shoe"}), ("jobs", {"id": "x" * 256}, {"/id"}), ("jobs", {"id": None}, {"/id"}), ("jobs", {"startDate": "soon", "jobTitle": ["x"]}, {"/startDate", "/jobTitle"}),
        ("educations", {"schoolType": "SCHOOL"}, {"/schoolType"}), ("educations", {"startYear": 2**63}, {"/startYear"}), ("educations", {"startYear": "1994"}, {"/startYear"}), ("likes", {"createdTime": "2024-01-01T00:00:00+15:00"}, {"/createdTime"}),
        ("likes", {"name": "x" * 256}, {"/name"}), ("likes", {"schoolName": "x"}, {"/schoolName"}), ("likes", [1], {""}), ("likes", "x", {""}), ("likes", {"name": {"a": {"b": []}}}, {"/name"}),
    ],
)  # fmt: skip
def test_what_an_element_cannot_be(hub: Hub, name: str, body: Any, places: set[str]) -> None:
    known = {"id": "known"}
    _, path = elements_path(hub, name, **{name: [known]})
    for answer in (hub.trusted.post(path, body), hub.trusted.put(f"{path}/known", body)):
        assert answer.status == 400
        if body != {"startYear": 2**63}:
            assert answer.paths == places
    bare = hub.trusted.get(path)["elements"]
    assert [each["id"] for each in bare] == ["known"]


def test_forms_that_other_clients_send(hub: Hub) -> None:
    """`[]` for an empty object, moments in milliseconds; kept as in writes of the customer."""
    _, path = elements_path(hub, "likes")
    assert hub.trusted.post(path, []).status == 201
    made = hub.trusted.post(path, {"id": "l", "createdTime": 1714557600000})
    assert made["createdTime"] == "2024-05-01T10:00:00.000Z"


def test_a_mandatory_list_keeps_its_last_element(hub: Hub) -> None:
    node = make_node(hub.workspace, mandatory_properties=["base.jobs"])
    jobs = [{"id": "1"}, {"id": "2"}]
    customer = hub.admin.post(
        f"{hub.path}/customers", {"nodeId": str(node.id), "base": {**EMAIL, "jobs": jobs}}
    )["id"]
    path = f"{hub.path}/customers/{customer}/jobs"
    assert hub.admin.delete(f"{path}/1").status == 200
    refused = hub.admin.delete(f"{path}/2")
    assert (refused.status, refused.paths) == (400, {"/base/jobs"})
    assert [each["id"] for each in hub.admin.get(path)["elements"]] == ["2"]


def test_a_customer_grows_to_its_limit_only(hub: Hub) -> None:
    jobs = [
        {"id": f"{number:0255}", "companyName": "x" * 255, "jobTitle": "y" * 255}
        for number in range(300)
    ]
    _, path = elements_path(hub, "jobs", jobs=jobs[:60])
    for first in range(60, 300, 60):
        body = {"nodeId": str(hub.node.id), "base": {**EMAIL, "jobs": jobs[first : first + 60]}}
        assert hub.trusted.post(f"{hub.path}/customers", body).status == 200
    statuses = {
        hub.trusted.post(path, {**jobs[0], "id": f"n{number}"}).status for number in range(60)
    }
    assert statuses == {201, 413}


@each_list
def test_a_workspace_can_be_without_the_list(hub: Hub, name: str) -> None:
    customer, path = elements_path(hub, name, **{name: [LISTS[name]]})
    switch = f"{hub.configuration}/properties/base/{name}/enabled"
    assert hub.admin.put(switch, {"value": False}).status == 200
    one = f"{path}/{LISTS[name]['id']}"
    assert hub.trusted.get(path).json == {"elements": []}
    assert hub.trusted.get(one).status == 404
    assert hub.trusted.post(path, {"id": "x"}).status == 403
    assert hub.trusted.put(one, {}).status == 403
    assert hub.trusted.delete(one).status == 403
    assert hub.admin.put(switch, {"value": True}).status == 200
    assert hub.trusted.get(one).json == LISTS[name]
    assert hub.trusted.get(customer)["version"] == 1


def test_aggregate_customers_are_read_and_not_written(hub: Hub) -> None:
    hub.post_customer(base={**EMAIL, "jobs": [LISTS["jobs"]]})
    node = make(hub)
    activate(hub, node)
    found = people(hub, node)
    path = f"{hub.path}/customers/{found[0]['id']}/jobs"
    assert hub.admin.get(path)["elements"] == [LISTS["jobs"]]
    refused = [
        hub.admin.post(path, {"id": "x"}),
        hub.admin.put(f"{path}/acme-2024", {}),
        hub.admin.delete(f"{path}/acme-2024"),
    ]
    assert [each.status for each in refused] == [403] * 3
    assert hub.admin.get(path)["elements"] == [LISTS["jobs"]]


def test_callers_that_may_not_read_get_what_they_wrote(hub: Hub) -> None:
    _, path = elements_path(hub, "jobs", jobs=[LISTS["jobs"]])
    writer = ApiClient(
        make_token(make_user("USER", workspaces=(hub.workspace,), grants={hub.node: "W"}))
    )
    made = writer.post(path, {"id": "x", "jobTitle": "T"})
    assert (made.status, made["jobTitle"]) == (201, "T")
    changed = writer.put(f"{path}/acme-2024", {"isCurrent": False})
    assert (changed.status, changed["companyName"], changed["isCurrent"]) == (200, None, False)
    assert writer.get(path).status == 403
    assert writer.get(f"{path}/x").status == 403
    assert writer.delete(f"{path}/x").status == 200
    reader = ApiClient(
        make_token(make_user("USER", workspaces=(hub.workspace,), grants={hub.node: "R"}))
    )
    assert reader.get(path).status == 200
    for answer in (
        reader.post(path, {}),
        reader.put(f"{path}/acme-2024", {}),
        reader.delete(f"{path}/acme-2024"),
    ):
        assert answer.status == 403


def test_a_browsers_source_writes_where_it_reaches(hub: Hub) -> None:
    _, path = elements_path(hub, "likes")
    assert hub.untrusted.post(path, {"id": "x"}).status == 403
    assert hub.untrusted.put(f"{path}/x", {}).status == 403
    own = hub.post_customer(hub.untrusted)["id"]
    path = f"{hub.path}/customers/{own}/likes"
    assert hub.untrusted.post(path, {"id": "x"}).status == 201
    assert hub.untrusted.put(f"{path}/x", {"name": "n"})["name"] == "n"
    for method, place in (("GET", path), ("GET", f"{path}/x"), ("DELETE", f"{path}/x")):
        assert hub.untrusted.request(method, place).status == 403


IDS = st.sampled_from(["a", "b", "c"])
TITLES = st.sampled_from([None, "T", "U"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("POST"), IDS, TITLES),
        st.tuples(st.just("PUT"), IDS, TITLES),
        st.tuples(st.just("DELETE"), IDS, st.none()),
        st.tuples(st.just("PATCH"), st.lists(st.tuples(IDS, TITLES), max_size=3), st.none()),
    ),
    max_size=10,
)


@settings(max_examples=25)
@given(STEPS)
def test_histories_agree_with_a_dictionary(hub: Hub, steps: list[Any]) -> None:
    """Operations on elements and writes of the whole list, against a dictionary by id."""
    customer = f"{hub.path}/customers/{hub.post_customer()['id']}"
    path = f"{customer}/jobs"
    model: dict[str, str | None] = {}
    version = 1
    for method, named, title in steps:
        before = copy.copy(model)
        if method == "PATCH":
            model = dict(named)
            jobs = [{"id": each, "jobTitle": value} for each, value in named]
            expected, answer = 200, hub.trusted.patch(customer, {"base": {"jobs": jobs}})
        elif method == "POST":
            expected = 409 if named in model else 201
            model.setdefault(named, title)
            answer = hub.trusted.post(path, {"id": named, "jobTitle": title})
        else:
            expected = 200 if named in model else 404
            if named in model and method == "PUT":
                model[named] = title
            elif method == "DELETE":
                model.pop(named, None)
            sent = [{"jobTitle": title}] if method == "PUT" else []
            answer = hub.trusted.request(method, f"{path}/{named}", *sent)
        assert answer.status == expected
        version += list(model.items()) != list(before.items())
        found = hub.trusted.get(path)["elements"]
        assert [(each["id"], each["jobTitle"]) for each in found] == list(model.items())
        displayed = hub.trusted.get(customer)
        given = [{key: each[key] for key in each if each[key] is not None} for each in found]
        assert (displayed["base"]["jobs"], displayed["version"]) == (given, version)


def test_parallel_writes_of_elements_are_all_kept(live_hub: Hub) -> None:
    _, path = elements_path(live_hub, "likes")

    def add(number: int) -> int:
        try:
            return live_hub.trusted.post(path, {"id": str(number % 10)}).status
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(add, range(20)))
    assert statuses == [201] * 10 + [409] * 10
    found = {each["id"] for each in live_hub.trusted.get(path)["elements"]}
    assert found == {str(number) for number in range(10)}


OPERATIONS = [
    each
    for path, methods in contract().items()
    for each in methods.values()
    if path.split("{customerId}/")[-1].split("/")[0] in LISTS and "{customerId}/" in path
]


def test_there_are_fifteen_deprecated_additions() -> None:
    assert len(OPERATIONS) == 15
    for each in OPERATIONS:
        assert each.is_addition
        described = document()["paths"][each.path][each.method.lower()]
        assert described["deprecated"] is True
        assert {"401", "403", "404"} <= set(described["responses"])
    patched = document()["paths"]["/workspaces/{workspaceId}/customers/{customerId}"]["patch"]
    assert "deprecated" not in patched
