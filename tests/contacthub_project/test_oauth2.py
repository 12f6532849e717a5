"""How people get tokens: OAuth2 with PKCE, client credentials, revocation, introspection."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client, TestCase
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_refresh_token_model,
    set_token_value,
)

from configuration.actions.api_clients import set_date_format
from configuration.models import ApiClientAnswers, User
from configuration.queries.principals import find_principal
from contacthub_project.core.date_format import DateFormat
from tests.client import ApiClient
from tests.factories import HOUR, Hub, make_token, make_user

REDIRECT = "https://app.example/back"
PASSWORD = "correct horse battery"


@pytest.fixture
def person(hub: Hub) -> User:
    user = make_user("ADMIN", workspaces=(hub.workspace,))
    user.set_password(PASSWORD)
    user.save()
    return user


def make_client(user: User, grant: str, kind: str = "confidential") -> tuple[Any, str]:
    secret = secrets.token_urlsafe(16)
    application = get_application_model().objects.create(
        name="App", user=user, client_type=kind, authorization_grant_type=grant,
        redirect_uris=REDIRECT, client_secret=secret,
    )  # fmt: skip
    return application, secret


def ask(path: str, data: dict[str, Any], **options: Any) -> Any:
    with TestCase.captureOnCommitCallbacks(execute=True):
        # As clients do, who send neither cookies nor CSRF tokens.
        return Client(enforce_csrf_checks=True).post(f"/oauth2/{path}/", data, **options)


def basic(application: Any, secret: str) -> dict[str, Any]:
    joined = base64.b64encode(f"{application.client_id}:{secret}".encode()).decode()
    return {"headers": {"Authorization": f"Basic {joined}"}}


def test_authorization_code_with_pkce(hub: Hub, person: User) -> None:
    application, _ = make_client(person, "authorization-code", kind="public")
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    query = {
        "response_type": "code", "client_id": application.client_id, "redirect_uri": REDIRECT,
        "scope": "hub", "state": "s", "code_challenge_method": "S256",
        "code_challenge": challenge.rstrip(b"=").decode(),
    }  # fmt: skip
    browser = Client()
    to_sign_in = browser.get("/oauth2/authorize/", query)
    assert to_sign_in["Location"].startswith("/sign-in/?next=")
    form = {"username": person.username, "password": PASSWORD}
    back = browser.post(to_sign_in["Location"], form)
    consent = browser.get(back["Location"])
    assert b"App" in consent.content
    agreed = browser.post("/oauth2/authorize/", query | {"allow": "Authorize"})
    parameters = parse_qs(urlsplit(agreed["Location"]).query)
    assert parameters["state"] == ["s"]
    exchange = {
        "grant_type": "authorization_code", "code": parameters["code"][0],
        "redirect_uri": REDIRECT, "client_id": application.client_id, "code_verifier": verifier,
    }  # fmt: skip
    assert ask("token", exchange | {"code_verifier": "wrong" * 10}).status_code == 400
    tokens = json.loads(ask("token", exchange).content)
    assert ApiClient(tokens["access_token"]).get("/me")["id"] == person.id
    assert ask("token", exchange).status_code == 400, "a code is good once"
    refreshed = {
        "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"],
        "client_id": application.client_id,
    }  # fmt: skip
    renewed = json.loads(ask("token", refreshed).content)
    assert ApiClient(renewed["access_token"]).get("/me").status == 200
    assert not get_access_token_model().objects.exclude(token="").exists()


def test_pkce_is_required(person: User) -> None:
    application, _ = make_client(person, "authorization-code", kind="public")
    browser = Client()
    browser.force_login(person)
    query = {
        "response_type": "code",
        "client_id": application.client_id,
        "redirect_uri": REDIRECT,
    }
    refused = browser.get("/oauth2/authorize/", query)
    assert "error=invalid_request" in refused["Location"]


def test_client_credentials_act_for_the_one_who_registered_them(hub: Hub, person: User) -> None:
    application, secret = make_client(person, "client-credentials")
    assert ask("token", {"grant_type": "client_credentials"}, **basic(application, "x")).status_code == 401  # fmt: skip
    granted = ask("token", {"grant_type": "client_credentials"}, **basic(application, secret))
    token = json.loads(granted.content)["access_token"]
    assert ApiClient(token).get("/me")["id"] == person.id
    assert ApiClient(token).get(f"{hub.configuration}/nodes/entries").status == 200


@pytest.mark.parametrize("chosen", [None, *DateFormat])
def test_how_a_client_reads_moments(
    hub: Hub, person: User, chosen: DateFormat | None, django_assert_num_queries: Any
) -> None:
    application, secret = make_client(person, "client-credentials")
    if chosen is not None:
        set_date_format(application, DateFormat.OFFSET)
        set_date_format(application, chosen)
    token = granted_to(application, secret)
    customer = f"{hub.path}/customers/{hub.post_customer()['id']}"
    expected = chosen or DateFormat.ZULU
    assert ApiClient(token).get(customer)["registeredAt"][23:] == expected
    for header in DateFormat:
        answer = ApiClient(token).get(customer, X_Date_Format=header.value)
        assert answer["registeredAt"][23:] == header
    with django_assert_num_queries(1):
        found = find_principal(token, hashlib.sha256(token.encode()).digest())
    assert found is not None
    assert found.date_format is expected
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiClientAnswers.objects.update_or_create(
            application=application, defaults={"date_format": "ISO"}
        )
    application.delete()
    assert not ApiClientAnswers.objects.exists()


def test_revoking_works_at_once(person: User) -> None:
    application, secret = make_client(person, "client-credentials")
    client = basic(application, secret)
    granted = ask("token", {"grant_type": "client_credentials"}, **client)
    token = json.loads(granted.content)["access_token"]
    described = json.loads(ask("introspect", {"token": token}, **client).content)
    assert described["active"] is True
    assert described["scope"] == "hub"
    assert ApiClient(token).get("/me").status == 200
    assert ask("revoke_token", {"token": token}, **client).status_code == 200
    assert ApiClient(token).get("/me").status == 401
    described = json.loads(ask("introspect", {"token": token}, **client).content)
    assert described == {"active": False}


def test_introspection_is_for_clients(person: User) -> None:
    assert ask("introspect", {"token": "x"}).status_code in {401, 403}
    application, secret = make_client(person, "client-credentials")
    assert ask("introspect", {}, **basic(application, secret)).status_code == 400
    assert ask("introspect", {"token": "x"}, **basic(application, "wrong")).status_code in {
        401,
        403,
    }


def granted_to(application: Any, secret: str) -> str:
    form = {"grant_type": "client_credentials"}
    return json.loads(ask("token", form, **basic(application, secret)).content)["access_token"]


def test_introspection_is_of_own_tokens_only(hub: Hub, person: User) -> None:
    own, own_secret = make_client(person, "client-credentials")
    sibling, sibling_secret = make_client(person, "client-credentials")
    stranger, stranger_secret = make_client(make_user("ADMIN"), "client-credentials")
    token = granted_to(own, own_secret)
    personal = make_token(person)
    for application, secret, active in (
        (own, own_secret, True), (sibling, sibling_secret, True), (stranger, stranger_secret, False),
    ):  # fmt: skip
        for each in (token, personal):
            answer = ask("introspect", {"token": each}, **basic(application, secret))
            described = json.loads(answer.content)
            assert described["active"] is active
            assert active or described == {"active": False}
    person.is_active = False
    person.save()
    answer = ask("introspect", {"token": token}, **basic(own, own_secret))
    assert json.loads(answer.content) == {"active": False}


def test_introspection_is_by_post_alone(person: User) -> None:
    application, secret = make_client(person, "client-credentials")
    token = granted_to(application, secret)
    for method in ("get", "put", "delete", "head"):
        requested = getattr(Client(), method)(
            f"/oauth2/introspect/?token={token}", **basic(application, secret)
        )
        assert requested.status_code == 405
        assert requested["Allow"] == "POST, OPTIONS"
        assert b"active" not in requested.content


def test_all_answers_to_clients_are_json(person: User) -> None:
    application, secret = make_client(person, "client-credentials")
    client = basic(application, secret)
    codes, _ = make_client(person, "authorization-code", kind="public")
    refresh = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": codes.client_id}
    token = granted_to(application, secret)
    code = refresh | {"grant_type": "authorization_code", "code": "x", "redirect_uri": REDIRECT}
    person.is_active = False  # refused when the token is stored, not when the request is read
    person.save()
    answers = {
        "invalid_grant": [
            ask("token", {"grant_type": "client_credentials"}, **client),
            ask("token", refresh), ask("token", code),
        ],
        "unsupported_grant_type": [ask("token", {}), ask("token", {"grant_type": "x"}, **client)],
        "invalid_client": [
            ask("token", {"grant_type": "client_credentials"}, **basic(application, "wrong")),
            ask("revoke_token", {"token": token}), ask("introspect", {"token": token}),
        ],
        "invalid_request": [
            ask("introspect", {}, **client), ask("revoke_token", {}, **client),
            *(Client().get(f"/oauth2/{each}/") for each in ("token", "revoke_token", "introspect")),
        ],
        None: [ask("introspect", {"token": token}, **client)],
    }  # fmt: skip
    for error, given in answers.items():
        for answer in given:
            assert answer["Content-Type"] == "application/json"
            assert json.loads(answer.content).get("error") == error, answer.content
    assert ask("revoke_token", {"token": token}, **client)["Content-Type"] == "application/json"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("since", [HOUR, -HOUR], ids=["an hour later", "the clock put back"])
def test_of_parallel_refreshes_one_wins(since: timedelta) -> None:
    person = make_user("ADMIN")
    application, _ = make_client(person, "authorization-code", kind="public")
    access, refresh = get_access_token_model(), get_refresh_token_model()
    given = access(user=person, application=application, scope="hub", expires=timezone.now() + HOUR)
    set_token_value(given, "first access")
    given.save()
    first = refresh(
        user=person, application=application, access_token=given, token_family=uuid.uuid4()
    )
    set_token_value(first, "first refresh")
    first.save()
    form = {"grant_type": "refresh_token", "client_id": application.client_id}
    together = threading.Barrier(6)
    answers: list[Any] = []

    def use() -> None:
        try:
            together.wait()
            answers.append(
                Client().post("/oauth2/token/", form | {"refresh_token": "first refresh"})
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 5
    refused = [json.loads(each.content) for each in answers if each.status_code == 400]
    assert {each["error"] for each in refused} == {"invalid_grant"}
    (won,) = (json.loads(each.content) for each in answers if each.status_code == 200)
    assert ApiClient(won["access_token"]).get("/me").status == 200, "the one that won is good"
    again = Client().post("/oauth2/token/", form | {"refresh_token": won["refresh_token"]})
    assert again.status_code == 200
    # Used again much later, a refresh token has been stolen: all that came of it ends.
    refresh.objects.filter(pk=first.pk).update(revoked=timezone.now() - since)
    stolen = Client().post("/oauth2/token/", form | {"refresh_token": "first refresh"})
    assert stolen.status_code == 400
    latest = json.loads(again.content)
    ended = Client().post("/oauth2/token/", form | {"refresh_token": latest["refresh_token"]})
    assert ended.status_code == 400


@pytest.mark.parametrize("grant", ["password", "implicit"])
def test_unsafe_grants_are_refused(person: User, grant: str) -> None:
    application, secret = make_client(person, "password" if grant == "password" else "implicit")
    form = {"grant_type": "password", "username": person.username, "password": PASSWORD}
    assert ask("token", form, **basic(application, secret)).status_code in {400, 401}


def test_a_wrong_password_says_so(person: User) -> None:
    page = Client().post("/sign-in/", {"username": person.username, "password": "x"})
    assert page.status_code == 200
    assert b"do not belong together" in page.content
