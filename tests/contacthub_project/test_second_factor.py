"""Second factors: setting them up, signing in with them, guessing them, demanding them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.conf import settings
from django.db import connection
from django.test import Client, TestCase
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from oauth2_provider.models import get_refresh_token_model

from configuration.actions.users import set_roles
from configuration.actions.workspaces import delete_workspace, demand_second_factor
from configuration.models import StaffChange, User
from contacthub_project.db.encryption import SECOND_FACTORS, decrypt
from tests.back_office.office import Page, Staff
from tests.configuration.test_ending_access import ALL, Access
from tests.contacthub_project.test_oauth2 import REDIRECT, ask, make_client
from tests.factories import Hub, make_user

PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
AUTHENTICATE = "/sign-in/second-factor/authenticate/"


def code_of(secret: str = SECRET, *, steps: int = 0) -> str:
    """What an app shows, now or `steps` half minutes later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def wrong_code(secret: str = SECRET) -> str:
    soon = {code_of(secret, steps=steps) for steps in range(-3, 6)}
    return next(code for code in map("{:06}".format, range(20)) if code not in soon)


def make_person(*roles: str, **options: Any) -> User:
    person = make_user(*(roles or ("ADMIN",)), **options)
    person.set_password(PASSWORD)
    person.is_staff = True
    person.save()
    return person


def browser(address: str = "127.0.0.1") -> Client:
    return Client(headers={"host": "localhost"}, REMOTE_ADDR=address)


def give_password(client: Client, person: User, following: str = "") -> Any:
    form = {"username": person.username, "password": PASSWORD, "next": following}
    return client.post("/sign-in/", form)


def is_signed_in(client: Client) -> bool:
    return client.get(reverse("mfa_index")).status_code == 200


@pytest.fixture
def person(hub: Hub) -> User:
    return make_person(workspaces=(hub.workspace,))


@pytest.fixture
def guarded(person: User) -> User:
    """A person with an app."""
    TOTP.activate(person, SECRET)
    return person


def set_up_totp(client: Client) -> tuple[str, Page]:
    """Set up an app, as a person does; its secret, and the page that comes then."""
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    secret = re.search(r'id="totp-secret">\s*([A-Z2-7]+)', page)[1]  # type: ignore[index]
    done = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)}, follow=True)
    return secret, Page(done)


def test_setting_up_an_app(person: User) -> None:
    client = browser()
    assert give_password(client, person)["Location"] == "/admin/"
    page = Page(client.get(reverse("mfa_activate_totp")))
    assert "data:image/svg+xml;base64," in page.html
    refused = Page(client.post(reverse("mfa_activate_totp"), {"code": "000000"}))
    assert "This is not right" in refused
    secret, page = set_up_totp(client)
    codes = re.findall(r"^\d{8}$", page.html.split("<pre")[1], re.MULTILINE)
    displayed = re.findall(r"\d{8}", page.html.split('id="recovery-codes">')[1].split("</pre>")[0])
    assert len(displayed) == 10
    assert codes == displayed[1:] or codes == displayed
    again = Page(client.get(reverse("mfa_view_recovery_codes")))
    assert not any(code in again.html for code in displayed), "shown once"
    kept = Authenticator.objects.get(user=person, type="totp").data["secret"]
    assert secret not in kept
    assert decrypt(kept.encode(), purpose=SECOND_FACTORS) == secret
    seed = Authenticator.objects.get(user=person, type="recovery_codes").data["seed"]
    assert decrypt(seed.encode(), purpose=SECOND_FACTORS)
    assert StaffChange.objects.filter(path=person.username, summary="Second factor added").exists()


@pytest.mark.parametrize("path", ["/sign-in/", "/admin/login/"])
def test_signing_in_takes_both(guarded: User, path: str) -> None:
    client = browser()
    needed = "/oauth2/authorize/?x=1"
    form = {"username": guarded.username, "password": PASSWORD, "next": needed}
    assert client.post(path, form)["Location"] == AUTHENTICATE
    assert not is_signed_in(client)
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    page = Page(client.get(AUTHENTICATE))
    assert "recovery code" in page
    # Browsers apply form-action to redirects too, and this one may lead to a client.
    allowed = page.answer["Content-Security-Policy"].split("form-action")[1].split(";")[0]
    assert "https:" in allowed
    assert "This is not right" in Page(client.post(AUTHENTICATE, {"code": wrong_code()}))
    assert not is_signed_in(client)
    right = code_of()
    assert client.post(AUTHENTICATE, {"code": right})["Location"] == needed
    assert is_signed_in(client)
    # Who has looked over the shoulder comes too late, also to another process.
    other = browser("10.9.8.7")
    give_password(other, guarded)
    assert "used already" in Page(other.post(AUTHENTICATE, {"code": f" {right[:3]} {right[3:]}"}))
    assert not is_signed_in(other)
    later = code_of(steps=1)
    assert other.post(AUTHENTICATE, {"code": later}).status_code == 302
    assert is_signed_in(other)


def test_a_code_is_refused_for_as_long_as_it_could_be_right(guarded: User) -> None:
    early = code_of(steps=1)
    client = browser()
    give_password(client, guarded)
    assert client.post(AUTHENTICATE, {"code": early}).status_code == 302
    with mock.patch("time.time", return_value=time.time() + 55):
        other = browser()
        give_password(other, guarded)
        Authenticator.objects.update(last_used_at=None)
        assert other.post(AUTHENTICATE, {"code": early}).status_code == 200
        assert not is_signed_in(other)


def test_without_the_password_there_is_no_second_page(guarded: User) -> None:
    client = browser()
    assert client.get(AUTHENTICATE)["Location"] == "/sign-in/"
    assert client.post(AUTHENTICATE, {"code": code_of()})["Location"] == "/sign-in/"
    assert not is_signed_in(client)


def test_recovery_codes_are_good_once(person: User) -> None:
    client = browser()
    give_password(client, person)
    _, page = set_up_totp(client)
    displayed = re.findall(r"\d{8}", page.html.split('id="recovery-codes">')[1].split("</pre>")[0])
    for code in displayed[:2]:
        for expected in (302, 200):
            other = browser()
            give_password(other, person)
            assert other.post(AUTHENTICATE, {"code": code}).status_code == expected
            assert is_signed_in(other) is (expected == 302)


def test_who_guesses_codes_has_to_wait_wherever_they_are(guarded: User) -> None:
    other = make_person()
    TOTP.activate(other, SECRET)
    for number in range(settings.SECOND_FACTOR_ATTEMPTS):
        guesser = browser(f"10.0.0.{number}")
        give_password(guesser, guarded)
        assert "This is not right" in Page(guesser.post(AUTHENTICATE, {"code": wrong_code()}))
    for address in ("10.0.0.1", "10.9.9.9"):
        guesser = browser(address)
        give_password(guesser, guarded)
        assert "too often" in Page(guesser.post(AUTHENTICATE, {"code": code_of()}))
        assert not is_signed_in(guesser)
    unconcerned = browser()
    give_password(unconcerned, other)
    unconcerned.post(AUTHENTICATE, {"code": code_of()})
    assert is_signed_in(unconcerned)
    later = time.time() + settings.AXES_COOLOFF_TIME.total_seconds() + 1
    with mock.patch("time.time", return_value=later):
        patient = browser()
        give_password(patient, guarded)
        patient.post(AUTHENTICATE, {"code": code_of()})
        assert is_signed_in(patient)


def test_a_password_alone_does_not_forgive_guesses_at_it(guarded: User) -> None:
    def attempt(password: str) -> int:
        form = {"username": guarded.username, "password": password}
        return browser().post("/sign-in/", form).status_code

    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        assert attempt("wrong") == 200
    assert attempt(PASSWORD) == 302
    assert attempt("wrong") == 429
    assert attempt(PASSWORD) == 429


def new_password(person: User) -> None:
    person.set_password("another horse battery")
    person.save()


def other_roles(person: User) -> None:
    set_roles(person, roles=["USER"], is_active=True)


def lock_out(person: User) -> None:
    set_roles(person, roles=person.roles, is_active=False)


@pytest.mark.parametrize("change", [new_password, other_roles, lock_out])
def test_what_ends_sessions_ends_sign_ins_too(guarded: User, change: Any) -> None:
    client = browser()
    give_password(client, guarded)
    change(User.objects.get(id=guarded.id))
    assert client.post(AUTHENTICATE, {"code": code_of()})["Location"] == "/sign-in/"
    assert not is_signed_in(client)


def test_the_last_one_that_goes_ends_sessions_and_tokens(hub: Hub) -> None:
    operator, remove = Staff(hub, "CLAB_OPERATOR"), "configuration_user_remove_second_factor"
    user = Staff(hub, "ADMIN").user
    TOTP.activate(user, SECRET)
    key = Authenticator.objects.create(user=user, type="webauthn", data={"name": "Key"})
    access, colleague = Access(user), Access(Staff(hub, "ADMIN").user)
    key.delete()
    assert access.open == ALL, "one is left"
    with TestCase.captureOnCommitCallbacks(execute=True):
        page = operator.submit_admin(remove, user.id, post="yes")
    assert "no second factor any more" in page
    assert access.open == set()
    assert colleague.open == ALL
    changes = StaffChange.objects.filter(path=user.username).order_by("id")
    assert list(changes.values_list("summary", "user_id"))[-3:] == [
        ("Second factor added", None),
        ("Second factor removed", None),
        ("Second factor removed", operator.user.id),
    ]
    admin = Staff(hub, "ADMIN")
    TOTP.activate(user, SECRET)
    admin.submit_admin(remove, user.id, post="yes")
    assert user.has_second_factor(), "for operators only"
    stranger = make_person()
    TOTP.activate(stranger, SECRET)
    operator.submit_admin(remove, stranger.id, post="yes")
    assert stranger.has_second_factor(), "not of this workspace"


def test_a_session_from_before_does_not_remove_it_by_password(person: User) -> None:
    stolen, own = browser(), browser()
    for client in (stolen, own):
        give_password(client, person)
    set_up_totp(own)
    with mock.patch("time.time", return_value=time.time() + settings.SESSION_COOKIE_AGE / 4):
        requested = stolen.get(reverse("mfa_deactivate_totp"))
        assert requested["Location"].startswith(reverse("mfa_reauthenticate"))
        by_password = stolen.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        assert by_password["Location"].startswith(reverse("mfa_reauthenticate"))
        stolen.post(reverse("mfa_deactivate_totp"))
    assert person.has_second_factor()


def test_sensitive_changes_ask_again(person: User) -> None:
    client = browser()
    give_password(client, person)
    with mock.patch("time.time", return_value=time.time() + 3600):
        requested = client.get(reverse("mfa_activate_totp"))
        assert requested["Location"].startswith("/sign-in/again/?next=")
        wrong = Page(client.post(requested["Location"], {"password": "wrong"}))
        assert "not your password" in wrong
        right = client.post(requested["Location"], {"password": PASSWORD})
        assert right["Location"] == reverse("mfa_activate_totp")
        secret, _ = set_up_totp(client)
    later = time.time() + 7200
    with mock.patch("time.time", return_value=later):
        requested = client.get(reverse("mfa_deactivate_totp"))
        client.post(requested["Location"], {"code": code_of(secret)})
        removed = client.post(reverse("mfa_deactivate_totp"))
        assert removed.status_code == 302
    assert not person.has_second_factor()
    assert not is_signed_in(client)


def test_guesses_at_a_password_of_a_reauthentication_count(person: User) -> None:
    client = browser()
    give_password(client, person)
    with mock.patch("time.time", return_value=time.time() + 3600):
        for _ in range(settings.SECOND_FACTOR_ATTEMPTS):
            client.post("/sign-in/again/", {"password": "wrong"})
        assert "too often" in Page(client.post("/sign-in/again/", {"password": PASSWORD}))


HOSTILE = (
    "", "\0", "\ud800", "²" * 6, "9" * 20_000, "[]", "{}", "null", "1", '"x"', "[" * 20_000,
    '{"a":' * 4_000, '{"response": 5}', '{"response": {}}', '{"response": {"userHandle": 7}}',
    '{"id": "x", "rawId": "x", "response": {"clientDataJSON": "x", "authenticatorData": "x",'
    ' "signature": "x"}, "type": "public-key"}',
    '{"id": "eA", "rawId": "eA", "response": {"clientDataJSON": "e30", "authenticatorData": "eA",'
    ' "signature": "eA"}, "type": "public-key"}',
    '{"id": "eA", "rawId": "eA", "response": {"clientDataJSON": "e30", "attestationObject": "oA"},'
    ' "type": "public-key"}',
)  # fmt: skip


# What a browser has said of a passkey: an ES256 key, for the site `localhost`.
KEY = {
    "name": "Key",
    "credential": {
        "id": "Y2NjY2NjY2NjY2NjY2NjYw",
        "rawId": "Y2NjY2NjY2NjY2NjY2NjYw",
        "type": "public-key",
        "response": {
            "clientDataJSON": "eyJ0eXBlIjogIndlYmF1dGhuLmNyZWF0ZSIsICJjaGFsbGVuZ2UiOiAiZUEiLCAib3JpZ2"
            "luIjogImh0dHA6Ly9sb2NhbGhvc3QifQ",
            "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YViUSZYN5YgOjGh0NBcPZHZgW4_krrmihj"
            "LHmVzzuoMdl2NFAAAAAAAAAAAAAAAAAAAAAAAAAAAAEGNjY2NjY2NjY2NjY2NjY2OlAQIDJiABIVggjlM7b6C_e0Yl"
            "uzBmfAH7YH75-LioD-9bMAYocDGHsqMiWCBz6x294DMYNm0Gn4Om9ZAAU8c2M8sEGyHFXhqGwfQAtA",
        },
        "clientExtensionResults": {},
    },
}


def post_raw(client: Client, path: str, **fields: str) -> int:
    """Post a form whose values may be no proper text."""
    raw = {name: value.encode("utf-8", "surrogatepass") for name, value in fields.items()}
    kind = "application/x-www-form-urlencoded"
    return client.post(path, urlencode(raw), content_type=kind).status_code


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_input_is_refused(guarded: User, value: str) -> None:
    with mock.patch.object(settings, "ACCOUNT_RATE_LIMITS", False):
        client = browser()
        give_password(client, guarded)
        assert post_raw(client, AUTHENTICATE, code=value) == 200
        assert post_raw(client, AUTHENTICATE, credential=value) == 200
        assert not is_signed_in(client)
        client.post(AUTHENTICATE, {"code": code_of()})
        assert is_signed_in(client)
        client.get(reverse("mfa_add_webauthn"))
        assert post_raw(client, reverse("mfa_add_webauthn"), name=value, credential=value) == 200
        assert post_raw(client, reverse("mfa_reauthenticate"), code=value) == 200
        key = Authenticator.objects.create(user=guarded, type="webauthn", data=KEY)
        client.get(reverse("mfa_reauthenticate_webauthn"))
        again = post_raw(client, reverse("mfa_reauthenticate_webauthn"), credential=value)
        assert again in {200, 302}
        renamed = post_raw(client, reverse("mfa_edit_webauthn", kwargs={"pk": key.pk}), name=value)
        assert renamed in {200, 302}
    assert Authenticator.objects.filter(user=guarded, type="webauthn").count() == 1


def test_none_of_the_other_pages_of_allauth_are_there(hub: Hub) -> None:
    operator = Staff(hub, "CLAB_OPERATOR")
    for path in ("/sign-in/signup/", "/sign-in/password/reset/", "/sign-in/email/", "/accounts/login/",
                 "/sign-in/second-factor/webauthn/login/", "/admin/mfa/authenticator/",
                 "/admin/account/emailaddress/"):  # fmt: skip
        assert operator.client.get(path, HTTP_HOST="localhost").status_code == 404


# What workspaces demand.


def authorization(user: User) -> tuple[dict[str, str], dict[str, str]]:
    """A request for a code, and the one that exchanges it."""
    application, _ = make_client(make_user("CLAB_OPERATOR"), "authorization-code", kind="public")
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    query = {
        "response_type": "code", "client_id": application.client_id, "redirect_uri": REDIRECT,
        "scope": "hub", "state": "s", "code_challenge_method": "S256",
        "code_challenge": challenge.rstrip(b"=").decode(), "allow": "Authorize",
    }  # fmt: skip
    exchange = {
        "grant_type": "authorization_code", "redirect_uri": REDIRECT,
        "client_id": application.client_id, "code_verifier": verifier,
    }  # fmt: skip
    return query, exchange


def code_in(answer: Any) -> str:
    return parse_qs(urlsplit(answer["Location"]).query)["code"][0]


def redirects(client: Client) -> list[str]:
    """Where somebody is sent who asks for pages and authorization."""
    requested = [
        client.get("/admin/"), client.get(reverse("admin:configuration_apiclient_changelist")),
        client.post(reverse("admin:configuration_apiclient_add"), {"name": "x"}),
        client.get("/admin/django_celery_beat/periodictask/"), client.get("/admin/password_change/"),
        client.get("/oauth2/authorize/"), client.post("/oauth2/authorize/", {"allow": "x"}),
    ]  # fmt: skip
    return [answer.headers.get("Location", "") for answer in requested]


def test_what_a_workspace_demands_holds_for_who_works_there(hub: Hub) -> None:
    elsewhere = Hub()
    concerned = [
        make_person("ADMIN", workspaces=(hub.workspace,)),
        make_person("USER", grants={hub.node: "R"}),
        make_person("CLAB_OPERATOR"),
    ]
    others = [make_person("ADMIN", workspaces=(elsewhere.workspace,)), make_person("USER")]
    clients = {}
    for person in concerned + others:
        clients[person] = browser()
        give_password(clients[person], person)
        assert reverse("mfa_index") not in redirects(clients[person])
    demand_second_factor(hub.workspace, demanded=True)
    for person in concerned:
        assert set(redirects(clients[person])) == {reverse("mfa_index")}
        assert "second factor only" in Page(clients[person].get(reverse("mfa_index")))
    for person in others:
        assert reverse("mfa_index") not in redirects(clients[person])
    # With one they go on, to where they wanted; other sessions of theirs confirm it first.
    person = concerned[0]
    older = browser()
    give_password(older, person)
    needed = reverse("office:workspace-settings", kwargs={"workspace_id": hub.workspace.id})
    clients[person].get(needed)
    secret, page = set_up_totp(clients[person])
    assert f'href="{needed}"' in page.html
    assert clients[person].get(needed).status_code == 200
    assert set(redirects(clients[person])) & {reverse("mfa_index")} == set()
    sent = older.get(needed)["Location"]
    assert sent.startswith(reverse("mfa_reauthenticate"))
    assert older.post(sent, {"code": code_of(secret, steps=1)})["Location"] == needed
    assert older.get(needed).status_code == 200
    # A workspace that is going demands nothing.
    with TestCase.captureOnCommitCallbacks(execute=True):
        delete_workspace(hub.workspace)
    assert reverse("mfa_index") not in redirects(clients[concerned[2]])


def test_no_tokens_of_people_before_it_is_set_up(hub: Hub, person: User) -> None:
    client = browser()
    give_password(client, person)
    query, exchange = authorization(person)
    early = code_in(client.post("/oauth2/authorize/", query))
    tokens = ask("token", exchange | {"code": early}).json()
    refresh = {"grant_type": "refresh_token", "client_id": exchange["client_id"],
               "refresh_token": tokens["refresh_token"]}  # fmt: skip
    waiting = code_in(client.post("/oauth2/authorize/", query))
    script = Access(Staff(hub, "ADMIN").user)
    demand_second_factor(hub.workspace, demanded=True)
    assert client.post("/oauth2/authorize/", query)["Location"] == reverse("mfa_index")
    for refused in (ask("token", exchange | {"code": waiting}), ask("token", refresh)):
        assert refused.status_code == 400, refused.content
        assert json.loads(refused.content)["error"] == "invalid_grant"
    assert get_refresh_token_model().objects.filter(user=person, revoked=None).exists()
    assert script.new_script_token().status_code == 200, "scripts have no second factor"
    set_up_totp(client)
    late = code_in(client.post("/oauth2/authorize/", query))
    assert ask("token", exchange | {"code": late}).status_code == 200
    assert ask("token", refresh).status_code == 200


def test_operators_say_where_it_is_demanded(hub: Hub) -> None:
    operator, admin = Staff(hub, "CLAB_OPERATOR"), Staff(hub, "ADMIN")
    TOTP.activate(operator.user, SECRET)
    operator.client = browser()
    operator.user.set_password(PASSWORD)
    operator.user.save()
    give_password(operator.client, operator.user)
    operator.client.post(AUTHENTICATE, {"code": code_of()})
    address = reverse("admin:configuration_workspace_change", args=[hub.workspace.id])
    form = {"status": "ENABLED", "demands_second_factor": "on"}
    assert admin.client.post(address, form, HTTP_HOST="localhost").status_code == 403
    hub.workspace.refresh_from_db()
    assert hub.workspace.demands_second_factor is False
    assert "was changed" in Page(operator.client.post(address, form, follow=True))
    hub.workspace.refresh_from_db()
    assert hub.workspace.demands_second_factor is True
    assert StaffChange.objects.filter(summary="Second factor demanded").get().after == {
        "demanded": True
    }
    people = reverse("admin:configuration_user_changelist")
    with_one = Page(operator.client.get(people, {"second_factor": "yes"}))
    assert operator.user.username in with_one
    assert admin.user.username not in with_one
    operator.client.post(address, {"status": "ENABLED"}, follow=True)
    hub.workspace.refresh_from_db()
    assert hub.workspace.demands_second_factor is False


def test_the_api_passes_none_of_it(hub: Hub) -> None:
    assert not [name for name in settings.API_MIDDLEWARE if "allauth" in name or "sign_in" in name]
    demand_second_factor(hub.workspace, demanded=True)
    assert hub.trusted.get(f"{hub.configuration}/nodes/entries").status == 200


@given(
    demanding=st.sets(st.integers(0, 2)), member=st.sets(st.integers(0, 2)),
    granted=st.sets(st.integers(0, 2)), operator=st.booleans(), factor=st.booleans(),
)  # fmt: skip
def test_who_lacks_one_as_a_naive_model_says(
    db: None, demanding: set[int], member: set[int], granted: set[int], operator: bool, factor: bool
) -> None:
    hubs = [Hub() for _ in range(3)]
    for number in demanding:
        demand_second_factor(hubs[number].workspace, demanded=True)
    person = make_user(
        "CLAB_OPERATOR" if operator else "USER",
        workspaces=tuple(hubs[number].workspace for number in sorted(member)),
        grants={hubs[number].node: "R" for number in sorted(granted)},
    )
    if factor:
        TOTP.activate(person, SECRET)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM configuration_workspace WHERE demands_second_factor")
        anywhere = cursor.fetchone()[0] > 0
    is_demanded = anywhere if operator else bool(demanding & (member | granted))
    assert person.lacks_second_factor() is (is_demanded and not factor)
    hubs_of_others = [each.workspace for each in hubs]
    for workspace in hubs_of_others:
        demand_second_factor(workspace, demanded=False)
