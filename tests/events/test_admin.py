from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from configuration.models import User
from customers.models import AggregateBuild
from events.models import Product, PurgeRun
from tests.factories import Hub, make_user


def page(user: User, path: str) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(f"/admin/events/{path}/", HTTP_HOST="localhost")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def filled(hub: Hub) -> Hub:
    now = timezone.now()
    for each in (hub, Hub()):
        name = "ours" if each is hub else "theirs"
        Product.objects.create(
            workspace=each.workspace, product_id=name, first_seen=now, last_seen=now
        )
        PurgeRun.objects.create(
            workspace=each.workspace, as_of=now, started_at=now, worked_at=now, deleted=987_654,
            seconds_worked=10,
        )  # fmt: skip
    return hub


def test_an_operator_sees_the_workspace_that_was_chosen(filled: Hub) -> None:
    operator = User.objects.create_superuser("operator", "x")
    client = Client()
    client.force_login(operator)
    for workspace, seen, hidden in (
        (filled.workspace, "ours", "theirs"),
        (Product.objects.get(product_id="theirs").workspace, "theirs", "ours"),
    ):
        client.get(f"/admin/office/{workspace.id}/", HTTP_HOST="localhost")
        products = client.get("/admin/events/product/", HTTP_HOST="localhost").content.decode()
        assert seen in products
        assert hidden not in products
        runs = client.get("/admin/events/purgerun/", HTTP_HOST="localhost").content.decode()
        assert "98,765" in runs


def test_staff_see_their_workspaces_only(filled: Hub) -> None:
    grants = {filled.node: "RW", filled.other_node: "R"}
    staff = make_user("USER", workspaces=(filled.workspace,), grants=grants)
    staff.is_staff = True
    staff.save()
    products = page(staff, "product")
    assert "ours" in products
    assert "theirs" not in products
    stranger = Product.objects.get(product_id="theirs")
    assert str(stranger.workspace) not in products


@pytest.mark.parametrize(("role", "permission"), [("USER", None), ("GUEST", "W")])
def test_registers_of_a_whole_workspace_are_for_those_who_read_all_of_it(
    filled: Hub, role: str, permission: str | None
) -> None:
    grants = {filled.node: "R"} | ({filled.other_node: permission} if permission else {})
    staff = make_user(role, workspaces=(filled.workspace,), grants=grants)
    staff.is_staff = True
    staff.save()
    assert "ours" not in page(staff, "product")
    assert "98,765" not in page(staff, "purgerun")
    AggregateBuild.objects.create(
        workspace_id=filled.workspace.id,
        node_id=filled.node.id,
        total=4321,
        started_at=timezone.now(),
    )
    AggregateBuild.objects.create(
        workspace_id=filled.workspace.id,
        node_id=filled.other_node.id,
        total=8765,
        started_at=timezone.now(),
    )
    client = Client()
    client.force_login(staff)
    builds = client.get("/admin/customers/aggregatebuild/", HTTP_HOST="localhost").content.decode()
    assert "4321" in builds or "4,321" in builds
    assert "8765" not in builds
    assert "8,765" not in builds


def test_registers_are_closed_to_privacy_officers(filled: Hub) -> None:
    grants = {filled.node: "R"}
    staff = make_user("DPO", workspaces=(filled.workspace,), grants=grants)
    staff.is_staff = True
    staff.save()
    client = Client()
    client.force_login(staff)
    for register in ("events/product", "events/purgerun", "customers/aggregatebuild"):
        answer = client.get(f"/admin/{register}/", HTTP_HOST="localhost")
        assert answer.status_code == 403, register


def test_an_admin_reads_all_of_the_workspace(filled: Hub) -> None:
    admin = make_user("ADMIN", workspaces=(filled.workspace,))
    admin.is_staff = True
    admin.save()
    assert "ours" in page(admin, "product")
    assert "theirs" not in page(admin, "product")
