from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from tests.client import ApiClient
from tests.factories import Hub, make_node, make_token, make_user


def on_customers(captured: CaptureQueriesContext) -> int:
    """Statements about customers; now and then a cache looks whether it is still right."""
    names = ("customers_customer", "customers_write")
    return sum(any(name in query["sql"] for name in names) for query in captured)


def test_a_page_is_newest_first(hub: Hub) -> None:
    ids = [hub.post_customer()["id"] for _ in range(5)]
    path = f"{hub.path}/customers"
    first = hub.trusted.get(path, query={"nodeId": hub.node.id, "size": 2})
    second = hub.trusted.get(path, query={"nodeId": hub.node.id, "size": 2, "page": 1})
    beyond = hub.trusted.get(path, query={"nodeId": hub.node.id, "page": 7})
    found = [element["id"] for element in first["elements"] + second["elements"]]
    assert found == list(reversed(ids))[:4]
    assert first["page"].items() >= {
        "size": 2, "totalElements": 5, "totalUnfilteredElements": 5, "totalPages": 3, "number": 0,
    }.items()  # fmt: skip
    assert beyond["elements"] == []
    default = hub.trusted.get(path, query={"nodeId": hub.node.id, "unknown": "ignored"})
    assert default["page"]["size"] == 10


def test_by_external_id(hub: Hub) -> None:
    expected = hub.post_customer(externalId="7")
    hub.post_customer(externalId="8")
    query = {"nodeId": hub.node.id, "externalId": "7"}
    found = hub.trusted.get(f"{hub.path}/customers", query=query)
    assert [element["id"] for element in found["elements"]] == [expected["id"]]
    assert found["page"]["totalElements"] == 1
    assert found["page"]["totalUnfilteredElements"] == 2
    hostile = hub.trusted.get(f"{hub.path}/customers", query=query | {"externalId": "a\0b"})
    assert hostile.status == 400


def test_the_node_must_be_named_and_readable(hub: Hub) -> None:
    path = f"{hub.path}/customers"
    assert hub.trusted.get(path).paths == {"/nodeId"}
    assert hub.trusted.get(path, query={"nodeId": "x"}).status == 404
    assert hub.trusted.get(path, query={"nodeId": make_node(hub.workspace).id}).status == 403


def test_grants_of_people(hub: Hub) -> None:
    created = hub.post_customer()
    one, listed = f"{hub.path}/customers/{created['id']}", f"{hub.path}/customers"
    query = {"nodeId": hub.node.id}
    for grant, may_read, may_write in (("R", 200, 403), ("W", 403, 201), ("RW", 200, 201)):
        user = make_user("USER", workspaces=(hub.workspace,), grants={hub.node: grant})
        client = ApiClient(make_token(user))
        assert client.get(one).status == may_read
        assert client.get(listed, query=query).status == may_read
        assert hub.post_customer(client).status == may_write
    nobody = ApiClient(make_token(make_user("USER", workspaces=(hub.workspace,))))
    assert nobody.get(one).status == 403


def test_customers_of_another_workspace_are_unknown(hub: Hub) -> None:
    stranger = Hub().post_customer()
    assert hub.trusted.get(f"{hub.path}/customers/{stranger['id']}").status == 404


def test_deleted_customers_are_not_read(hub: Hub) -> None:
    created = hub.post_customer()
    Customer.objects.filter(id=created["id"]).update(deleted=1, match_key=None)
    assert hub.trusted.get(f"{hub.path}/customers/{created['id']}").status == 404
    listed = hub.trusted.get(f"{hub.path}/customers", query={"nodeId": hub.node.id})
    assert listed["elements"] == []


def test_reading_costs_the_same_whatever_the_page_holds(hub: Hub) -> None:
    def statements(size: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            query = {"nodeId": hub.node.id, "size": size}
            assert hub.trusted.get(f"{hub.path}/customers", query=query).status == 200
        return on_customers(captured)

    for _ in range(12):
        hub.post_customer()
    statements(1)
    assert statements(1) == statements(12) == 1


def test_one_statement_reads_one_customer_and_one_writes_it(hub: Hub) -> None:
    path = f"{hub.path}/customers/{hub.post_customer()['id']}"
    with CaptureQueriesContext(connection) as captured:
        hub.trusted.get(path)
    assert on_customers(captured) == 1
    with CaptureQueriesContext(connection) as captured:
        hub.post_customer()
    assert on_customers(captured) == 1


def test_the_default_order_and_the_external_id_are_index_scans(hub: Hub) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO customers_customer
                (id, workspace_id, node_id, external_id, enabled, version, deleted, registered_at,
                 updated_at, match_key, base, consents, extended, tags)
            SELECT gen_random_uuid(), %s, %s, number::text, true, 1, 0, now(),
                   now() + number * interval '1 second', sha256(number::text::bytea),
                   '{}', '{}', '{}', '{}'
            FROM generate_series(1, 5000) AS number
            """,
            [hub.workspace.id, hub.node.id],
        )
        cursor.execute("ANALYZE customers_customer")
