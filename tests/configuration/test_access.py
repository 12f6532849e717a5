"""Who gets in: sources, people, workspaces, and what revoking does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from configuration.models import Membership, Source, User
from tests.client import ApiClient
from tests.factories import Hub, make_source, make_token, make_user


def test_only_hashes_of_tokens_are_stored(hub: Hub) -> None:
    source, token = make_source(hub.workspace, [hub.node])
    assert token.encode() not in bytes(source.token_hash)
    assert not get_access_token_model().objects.exclude(token="").exists()


def test_a_disabled_source_is_out_at_once(hub: Hub) -> None:
    source, token = make_source(hub.workspace, [hub.node])
    client = ApiClient(token)
    path = f"{hub.configuration}/sources/{source.id}"
    assert client.get("/me").status == 200
    assert hub.admin.put(path, {"enabled": False}).status == 200
    assert client.get("/me").status == 401
    assert hub.admin.put(path, {"enabled": True}).status == 200
    assert client.get("/me").status == 200


def test_a_refreshed_token_replaces_the_one_before(hub: Hub) -> None:
    source, token = make_source(hub.workspace, [hub.node])
    assert ApiClient(token).get("/me").status == 200
    refreshed = hub.admin.post(f"{hub.configuration}/sources/{source.id}/refresh-token")
    assert refreshed.status == 200
    assert ApiClient(token).get("/me").status == 401
    assert ApiClient(refreshed["token"]).get("/me").status == 200


def test_a_deleted_source_is_out_at_once(hub: Hub) -> None:
    source, token = make_source(hub.workspace, [hub.node])
    assert ApiClient(token).get("/me").status == 200
    assert hub.admin.delete(f"{hub.configuration}/sources/{source.id}").status == 204
    assert ApiClient(token).get("/me").status == 401
    assert not Source.objects.filter(id=source.id).exists()


def test_a_token_look_up_is_one_statement(hub: Hub, django_assert_num_queries: object) -> None:
    from configuration.domain.tokens import token_hash
    from configuration.queries.principals import find_principal

    for client in (hub.trusted, hub.admin, hub.clients["USER"]):
        token = client.token or ""
        with django_assert_num_queries(1):  # type: ignore[operator]
            assert find_principal(token, token_hash(token)) is not None


def test_inactive_people_and_expired_tokens_are_out(hub: Hub) -> None:
    user = make_user("ADMIN", workspaces=(hub.workspace,))
    client = ApiClient(make_token(user))
    assert client.get("/me").status == 200
    user.is_active = False
    with _committed():
        user.save()
    assert client.get("/me").status == 401
    other = ApiClient(make_token(make_user("ADMIN", workspaces=(hub.workspace,))))
    soon = timezone.now() + timedelta(milliseconds=200)
    with _committed():
        for token in get_access_token_model().objects.all():
            token.expires = soon
            token.save()
    while timezone.now() < soon:
        other.get("/me")
    assert other.get("/me").status == 401


def test_leaving_a_workspace(hub: Hub) -> None:
    user = make_user("ADMIN", workspaces=(hub.workspace,))
    client = ApiClient(make_token(user))
    path = f"{hub.configuration}/nodes/entries"
    assert client.get(path).status == 200
    with _committed():
        Membership.objects.get(user=user).delete()
    assert client.get(path).status == 401, "the token has ended"
    assert ApiClient(make_token(user)).get(path).status == 403


@pytest.mark.parametrize(
    ("allowed", "status"),
    [(["127.0.0.1"], 200), (["127.0.0.0/8"], 200), (["10.0.0.0/8", "::1"], 403)],
)
def test_allowed_addresses(hub: Hub, allowed: list[str], status: int) -> None:
    _, token = make_source(hub.workspace, [hub.node], properties={"allowedIPs": allowed})
    assert ApiClient(token).get("/me").status == status
    # Nobody is believed who says to be somebody else.
    assert ApiClient(token).get("/me", X_Forwarded_For="10.0.0.1").status == status


MAPPED = ["10.1.2.3", "::ffff:10.1.2.3", "::FFFF:0a01:0203", "0:0:0:0:0:ffff:10.1.2.3"]


@pytest.mark.parametrize("calling", MAPPED)
@pytest.mark.parametrize("allowed", [*MAPPED, "10.1.0.0/16", "::ffff:10.1.0.0/112"])
def test_an_ipv4_address_is_the_same_when_written_as_ipv6(
    hub: Hub, calling: str, allowed: str, settings: Any
) -> None:
    _, token = make_source(hub.workspace, [hub.node], properties={"allowedIPs": [allowed]})
    settings.TRUSTED_PROXIES = 1
    client = ApiClient(token)
    assert client.get("/me", X_Forwarded_For=f"6.6.6.6, {calling}").status == 200
    assert client.get("/me", X_Forwarded_For=f"{calling}, ::ffff:10.2.2.3").status == 403
    assert client.get("/me", X_Forwarded_For=f"{calling}, ::10.1.2.3").status == 403


def test_the_address_behind_a_trusted_proxy(hub: Hub, settings: object) -> None:
    _, token = make_source(hub.workspace, [hub.node], properties={"allowedIPs": ["10.0.0.1"]})
    settings.TRUSTED_PROXIES = 1  # type: ignore[attr-defined]
    client = ApiClient(token)
    assert client.get("/me", X_Forwarded_For="6.6.6.6, 10.0.0.1").status == 200
    assert client.get("/me", X_Forwarded_For="10.0.0.1, 6.6.6.6").status == 403
    assert client.get("/me", X_Forwarded_For="rubbish").status == 403


def test_allowed_sites(hub: Hub) -> None:
    properties = {"allowedURLs": ["https://shop.example/checkout"]}
    _, token = make_source(hub.workspace, [hub.node], "JavaScript", properties=properties)
    client = ApiClient(token)
    assert client.get("/me", Origin="https://shop.example").status == 200
    assert client.get("/me", Referer="https://shop.example/page?x").status == 200
    for origin in (
        "http://[",
        "https://evil.example",
        "http://shop.example",
        "https://shop.example.evil.com",
    ):
        assert client.get("/me", Origin=origin).status == 403
    assert client.get("/me").status == 403


def test_suspended_is_read_only_and_disabled_is_closed(hub: Hub) -> None:
    listed = f"{hub.configuration}/nodes/entries"
    for status, reads, writes in (("SUSPENDED", 200, 403), ("DISABLED", 403, 403)):
        switched = hub.operator.put(f"{hub.path}/status", {"status": status})
        assert switched.json == {"status": status}
        assert hub.admin.get(listed).status == reads
        assert hub.post_customer().status == writes
        assert hub.operator.get(hub.path)["status"] == status
    hub.operator.put(f"{hub.path}/status", {"status": "ENABLED"})
    assert hub.post_customer().status == 201


def test_me(hub: Hub) -> None:
    user = make_user("USER", workspaces=(hub.workspace,), grants={hub.node: "R"})
    me = ApiClient(make_token(user)).get("/me").json
    assert set(me) == {"id", "name", "surname", "groups", "lang", "email", "roles", "mc"}
    assert me["id"] == user.id
    assert me["roles"] == ["USER"]
    [group] = me["groups"]
    assert group["id"] == hub.workspace.group_pk
    [workspace] = group["workspaces"]
    assert workspace["id"] == str(hub.workspace.id)
    assert [(node["id"], node["permission"]) for node in workspace["nodes"]] == [
        (str(hub.node.id), "R")
    ]
    source = hub.trusted.get("/me").json
    assert source["roles"] == ["TRUSTED_APPLICATION"]
    assert len(source["groups"][0]["workspaces"][0]["nodes"]) == 2


def test_roles_are_the_known_ones(hub: Hub) -> None:
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("x", roles=["KING"])


def _committed() -> object:
    from django.test import TestCase

    return TestCase.captureOnCommitCallbacks(execute=True)
