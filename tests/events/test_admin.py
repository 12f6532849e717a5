from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from configuration.models import User
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


def test_an_operator_sees_all(filled: Hub) -> None:
    operator = User.objects.create_superuser("operator", "x")
    products = page(operator, "product")
    assert "ours" in products
    assert "theirs" in products
    assert "98765.4" in page(operator, "purgerun")


def test_staff_see_their_workspaces_only(filled: Hub) -> None:
    staff = make_user("USER", workspaces=(filled.workspace,))
    staff.is_staff = True
    staff.save()
    staff.user_permissions.add(Permission.objects.get(codename="view_product"))
    products = page(staff, "product")
    assert "ours" in products
    assert "theirs" not in products
    stranger = Product.objects.get(product_id="theirs")
    assert str(stranger.workspace) not in products
