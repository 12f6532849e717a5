"""Sign-in by OpenID Connect, at a real provider: django-oauth-toolkit in a server of its own thread."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from oauth2_provider.models import get_application_model
from oauth2_provider.views.mixins import OAuthLibMixin

from configuration.actions.users import set_roles
from configuration.actions.workspaces import demand_second_factor
from configuration.models import StaffChange, User
from contacthub_project.admin.sign_in import openid_connect
from tests.back_office.office import Page
from tests.back_office.test_reauthentication import age
from tests.contacthub_project.test_second_factor import (
    AUTHENTICATE,
    SECRET,
    browser,
    code_of,
    is_signed_in,
    make_person,
)
from tests.factories import Hub, make_user
from tests.openid_provider import CLAIMS

BACK = "http://localhost/sign-in/openid-connect/back/"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


class Provider:
    """The provider, and somebody who has an account there."""

    def __init__(self, root: str, settings: Any) -> None:
        issuer = f"{root}/provider"
        settings.ROOT_URLCONF = "tests.openid_provider"
        settings.OAUTH2_PROVIDER = copy.deepcopy(settings.OAUTH2_PROVIDER) | {
            "OIDC_ENABLED": True, "OIDC_RSA_PRIVATE_KEY": KEY.decode(),
            "OIDC_ISS_ENDPOINT": issuer, "OAUTH2_VALIDATOR_CLASS": "tests.openid_provider.Provider",
            "SCOPES": {"openid": "x", "email": "x"}, "DEFAULT_SCOPES": ["openid"],
        }  # fmt: skip
        self.secret = "a secret of the client"
        self.application = get_application_model().objects.create(
            name="Hub", user=make_user("CLAB_OPERATOR"), client_type="confidential",
            authorization_grant_type="authorization-code", redirect_uris=BACK, algorithm="RS256",
            client_secret=self.secret,
        )  # fmt: skip
        settings.OPENID_CONNECT_ISSUER = issuer
        settings.OPENID_CONNECT_CLIENT_ID = self.application.client_id
        settings.OPENID_CONNECT_CLIENT_SECRET = self.secret
        settings.OPENID_CONNECT_NAME = "the Company"
        self.account = make_user()
        self.browser = Client(headers={"host": "localhost"})
        self.browser.force_login(self.account)

    def begin(self, client: Client, following: str = "") -> dict[str, str]:
        """Go to the provider; what the product asks it for."""
        sent = client.get(reverse("oidc_authentication_init"), {"next": following})
        assert sent.status_code == 302, sent.content
        return {
            name: values[0] for name, values in parse_qs(urlsplit(sent["Location"]).query).items()
        }

    def authorize(self, requested: dict[str, str]) -> str:
        """Sign in there; the address that it sends back to."""
        answer = self.browser.post("/provider/authorize/", requested | {"allow": "Authorize"})
        assert answer["Location"].startswith(BACK), answer["Location"]
        return answer["Location"].removeprefix("http://localhost")

    def sign_in(self, client: Client, following: str = "") -> Any:
        return client.get(self.authorize(self.begin(client, following)))


@pytest.fixture
def person(live_hub: Hub) -> User:
    person = make_person(workspaces=(live_hub.workspace,))
    person.email = "Ada@Example.com"
    person.save()
    CLAIMS.clear()
    CLAIMS.update(email="ada@example.com", email_verified=True)
    return person


def clear_cached_cores() -> None:
    """Views of django-oauth-toolkit keep what they have made of the settings at their first use."""
    waiting = [OAuthLibMixin]
    while waiting:
        view = waiting.pop()
        waiting += view.__subclasses__()
        if "_oauthlib_core" in vars(view):
            del view._oauthlib_core


@pytest.fixture
def provider(person: User, live_server: Any, settings: Any) -> Iterator[Provider]:
    openid_connect._discovered.clear()
    clear_cached_cores()
    yield Provider(live_server.url, settings)
    clear_cached_cores()


def refused(answer: Any) -> bool:
    return answer.status_code == 403 and "You are not signed in" in Page(answer)


def test_signing_in(provider: Provider, person: User) -> None:
    client = browser()
    page = client.get("/sign-in/?next=/admin/%3Fx%3D1").content.decode()
    assert "Sign in by the Company" in page
    assert "/sign-in/openid-connect/?next=%2Fadmin%2F%3Fx%3D1" in page
    requested = provider.begin(client, "/admin/?x=1")
    assert requested["code_challenge_method"] == "S256"
    assert len({requested["state"], requested["nonce"], requested["code_challenge"]}) == 3
    back = provider.authorize(requested)
    assert client.get(back)["Location"] == "/admin/?x=1"
    assert is_signed_in(client)
    assert int(client.session["_auth_user_id"]) == person.id
    assert refused(client.get(back)), "a state is good once"
    person.refresh_from_db()
    assert person.roles == ["ADMIN"]
    elsewhere = browser()
    assert provider.sign_in(elsewhere, "https://evil.example/")["Location"] == "/admin/"


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False}, {"email_verified": "true"}, {"email_verified": 1},
        {"email_verified": None}, {"email": "somebody@example.com"}, {"email": ""}, {"email": None},
        {"email": ["ada@example.com"]}, {"email": "ada@example.com\0"}, {"email": "%"},
        {"email": "ada@exam\u017fle.com"}, {"email": "ADA@EXAMPLE.COM\u200b"},
    ],
    ids=str,
)  # fmt: skip
def test_who_is_not_known_by_a_verified_address(provider: Provider, claims: Any) -> None:
    known = User.objects.count()
    CLAIMS.update(claims)
    client = browser()
    assert refused(provider.sign_in(client))
    assert not is_signed_in(client)
    assert User.objects.count() == known, "nobody is made"


def test_letters_that_become_ascii_are_other_addresses(provider: Provider, person: User) -> None:
    User.objects.filter(id=person.id).update(email="mike@example.com")
    CLAIMS["email"] = "m\u0131ke@example.com"
    assert refused(provider.sign_in(browser()))
    CLAIMS["email"] = "MIKE@example.com"
    assert provider.sign_in(browser()).status_code == 302


def test_two_people_of_one_address_are_nobody(provider: Provider) -> None:
    User.objects.create_user("another", email="ADA@example.com")
    assert refused(provider.sign_in(browser()))


def test_roles_come_from_here(provider: Provider, person: User) -> None:
    CLAIMS.update(roles=["CLAB_OPERATOR"], groups=["CLAB_OPERATOR"], is_staff=True)
    assert provider.sign_in(browser()).status_code == 302
    person.refresh_from_db()
    assert person.roles == ["ADMIN"]
    assert not StaffChange.objects.filter(path=person.username, summary="Roles changed").exists()


def test_who_is_locked_out_stays_out(provider: Provider, person: User) -> None:
    client = browser()
    provider.sign_in(client)
    assert is_signed_in(client)
    set_roles(person, roles=person.roles, is_active=False)
    assert not is_signed_in(client)
    assert refused(provider.sign_in(browser()))


def test_other_roles_end_sessions_of_this_kind_too(provider: Provider, person: User) -> None:
    client = browser()
    provider.sign_in(client)
    assert is_signed_in(client)
    set_roles(person, roles=["USER"], is_active=True)
    assert not is_signed_in(client)


def test_who_guesses_passwords_waits_here_too(
    provider: Provider, person: User, settings: Any
) -> None:
    form = {"username": person.username, "password": "wrong"}
    for _ in range(settings.AXES_FAILURE_LIMIT):
        browser().post("/sign-in/", form)
    assert refused(provider.sign_in(browser()))
    assert provider.sign_in(browser("10.9.8.7")).status_code == 302


def test_second_factors_hold(provider: Provider, person: User, live_hub: Hub) -> None:
    demand_second_factor(live_hub.workspace, demanded=True)
    client = browser()
    provider.sign_in(client)
    assert client.get("/admin/")["Location"] == reverse("mfa_index")
    TOTP.activate(person, SECRET)
    client = browser()
    assert provider.sign_in(client, "/admin/?x=1")["Location"] == AUTHENTICATE
    assert not is_signed_in(client)
    assert client.post(AUTHENTICATE, {"code": code_of()})["Location"] == "/admin/?x=1"
    assert is_signed_in(client)


NEW_CLIENT = {"name": "Mine", "authorization_grant_type": "client-credentials"}


class PendingClientForm:
    """Somebody without a password here who has signed in long ago, and makes an API client."""

    def __init__(self, provider: Provider, person: User) -> None:
        self.provider = provider
        person.set_unusable_password()
        person.save()
        self.client = browser()
        provider.sign_in(self.client)
        age(self.client)
        requested = self.client.post(reverse("admin:configuration_apiclient_add"), NEW_CLIENT)[
            "Location"
        ]
        assert requested.startswith("/sign-in/again/openid-connect/?next=")
        self.confirm = parse_qs(urlsplit(requested).query)["next"][0]
        page = self.client.get(requested).content.decode()
        self.link = re.findall(r'href="([^"]*openid-connect/again/[^"]*)"', page)[0]

    def begin(self) -> dict[str, str]:
        sent = self.client.get(self.link)["Location"]
        return {name: values[0] for name, values in parse_qs(urlsplit(sent).query).items()}

    def sign_in(self) -> Any:
        return self.client.get(self.provider.authorize(self.begin()))

    def refused(self, answer: Any) -> bool:
        is_requested = self.client.get(self.confirm)["Location"].startswith("/sign-in/again/openid")
        return (
            answer.status_code == 403
            and "not clear that it is you" in Page(answer)
            and is_requested
        )


def test_who_has_no_password_here_shows_it_at_the_provider(
    provider: Provider, person: User
) -> None:
    again = PendingClientForm(provider, person)
    requested = again.begin()
    assert requested["prompt"] == "login"
    assert requested["max_age"] == "0"
    back = again.client.get(provider.authorize(requested))
    assert back["Location"] == again.confirm
    assert "Go on?" in Page(again.client.get(again.confirm))
    assert is_signed_in(again.client)
    for name in ("mfa_activate_totp", "mfa_add_webauthn"):
        assert again.client.get(reverse(name)).status_code == 200
        age(again.client)
        requested_again = again.client.get(reverse(name))["Location"]
        assert requested_again.startswith("/sign-in/again/openid-connect/"), "allauth would not ask"
        again.sign_in()


def test_who_has_a_password_may_choose(provider: Provider, person: User) -> None:
    client = browser()
    provider.sign_in(client)
    age(client)
    requested = client.post(reverse("admin:configuration_apiclient_add"), NEW_CLIENT)["Location"]
    assert requested.startswith("/sign-in/again/?")
    assert "Sign in again by the Company" in Page(client.get(requested))
    TOTP.activate(person, SECRET)
    assert "the Company" not in Page(client.get(reverse("mfa_reauthenticate")))
    by_provider = client.get(reverse("reauthenticate-by-openid-connect"))["Location"]
    assert by_provider.startswith(reverse("mfa_reauthenticate"))
    client.get(provider.authorize(provider.begin(client)))
    again = client.post(reverse("admin:configuration_apiclient_add"), NEW_CLIENT)["Location"]
    assert again.startswith(reverse("mfa_reauthenticate"))


def test_the_provider_must_have_authenticated_again(
    provider: Provider, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = PendingClientForm(provider, person)
    account = User.objects.filter(id=provider.account.id)
    account.update(last_login=timezone.now() - timedelta(minutes=6))
    provider.account.refresh_from_db()
    assert again.refused(again.sign_in())
    genuine = openid_connect.OIDCAuthenticationBackend.verify_token
    for wrong in (None, "now", True, 10**30, [time.time()], {}):

        def verified(self: Any, token: str, *, wrong: Any = wrong, **kwargs: Any) -> Any:
            return genuine(self, token, **kwargs) | {"auth_time": wrong}

        monkeypatch.setattr(openid_connect.OIDCAuthenticationBackend, "verify_token", verified)
        assert again.refused(again.sign_in())
    monkeypatch.undo()
    account.update(last_login=timezone.now())
    assert again.sign_in()["Location"] == again.confirm


def test_nobody_shows_it_for_somebody_else(provider: Provider, person: User) -> None:
    again = PendingClientForm(provider, person)
    User.objects.create_user("another", email="bob@example.com")
    CLAIMS["email"] = "bob@example.com"
    assert again.refused(again.sign_in())
    assert int(again.client.session["_auth_user_id"]) == person.id
    state = again.begin()["state"]
    failed = again.client.get(f"/sign-in/openid-connect/back/?error=access_denied&state={state}")
    assert again.refused(failed)
    assert browser().get(again.link)["Location"].startswith("/sign-in/?next=")


def test_a_provider_that_is_away_leaves_the_session_as_it_is(
    provider: Provider, person: User, settings: Any
) -> None:
    again = PendingClientForm(provider, person)
    settings.OPENID_CONNECT_ISSUER = "http://127.0.0.1:9/provider"
    assert again.refused(again.client.get(again.link))
    assert is_signed_in(again.client)


def test_a_sign_in_is_as_old_as_the_one_at_the_provider(provider: Provider) -> None:
    User.objects.filter(id=provider.account.id).update(
        last_login=timezone.now() - timedelta(hours=2)
    )
    client = browser()
    provider.sign_in(client)
    assert is_signed_in(client)
    requested = client.post(reverse("admin:configuration_apiclient_add"), NEW_CLIENT)["Location"]
    assert requested.startswith("/sign-in/again/")


def test_a_response_is_for_the_browser_that_began(provider: Provider) -> None:
    attacker, victim = browser(), browser()
    back = provider.authorize(provider.begin(attacker))
    assert refused(victim.get(back))
    provider.begin(victim)
    assert refused(victim.get(back)), "nor in the midst of another sign-in"
    assert not is_signed_in(victim)


def test_another_nonce_is_refused(provider: Provider) -> None:
    client = browser()
    requested = provider.begin(client)
    assert refused(client.get(provider.authorize(requested | {"nonce": "another"})))


def test_another_verifier_is_refused(provider: Provider) -> None:
    client = browser()
    back = provider.authorize(provider.begin(client))
    session = client.session
    for kept in session["oidc_states"].values():
        kept["code_verifier"] = "v" * 64
    session.save()
    assert refused(client.get(back))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("OPENID_CONNECT_CLIENT_SECRET", "wrong"), ("OIDC_RP_SIGN_ALGO", "ES256")],
)
def test_other_clients_and_algorithms_are_refused(
    provider: Provider, settings: Any, setting: str, value: str
) -> None:
    client = browser()
    back = provider.authorize(provider.begin(client))
    setattr(settings, setting, value)
    assert refused(client.get(back))


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "another"}, {"aud": ["another", "more"]}, {"iss": "https://evil.example"},
        {"azp": "another"}, {"exp": None}, {"nonce": None}, {"sub": None},
    ],
    ids=str,
)  # fmt: skip
def test_id_tokens_of_and_for_others_are_refused(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any]
) -> None:
    genuine = openid_connect.OIDCAuthenticationBackend.verify_token

    def verified(self: Any, token: str, **kwargs: Any) -> Any:
        return genuine(self, token, **kwargs) | wrong

    monkeypatch.setattr(openid_connect.OIDCAuthenticationBackend, "verify_token", verified)
    assert refused(provider.sign_in(browser()))


def test_a_provider_that_is_away_or_another(provider: Provider, settings: Any) -> None:
    for issuer in ("http://127.0.0.1:9/provider", settings.OPENID_CONNECT_ISSUER + "/"):
        settings.OPENID_CONNECT_ISSUER = issuer
        assert refused(browser().get(reverse("oidc_authentication_init")))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "error=access_denied",
        "error=%00&state=x",
        "code=x",
        "code=x&state=%00",
        "state=%ED%A0%80&code=1",
    ],
)
def test_answers_without_a_question(provider: Provider, query: str) -> None:
    client = browser()
    provider.begin(client)
    assert refused(client.get(f"/sign-in/openid-connect/back/?{query}"))


def test_a_failure_signs_nobody_out(provider: Provider) -> None:
    client = browser()
    provider.sign_in(client)
    client.get("/sign-in/openid-connect/back/?error=x")
    assert is_signed_in(client)


def test_without_the_setting_there_is_none_of_it(db: None) -> None:
    for name in ("oidc_authentication_init", "oidc_authentication_callback"):
        assert browser().get(reverse(name)).status_code == 404
    client = browser()
    client.force_login(make_user())
    assert client.get(reverse("openid-connect-again")).status_code == 404
    assert client.get(reverse("reauthenticate-by-openid-connect")).status_code == 403
    assert "openid" not in browser().get("/sign-in/").content.decode()
