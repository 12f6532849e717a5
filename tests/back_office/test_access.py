"""Sessions, tokens and clients of a person: listed, and ended one by one."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client, TestCase
from django.urls import reverse
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from configuration.models import StaffChange, User, UserSession
from tests.back_office.office import Page, Staff
from tests.configuration.test_ending_access import ALL, Access
from tests.factories import Hub

ADDRESS = "/admin/office/access/"


def show(client: Client, person: User | None = None) -> Page:
    query = {"person": person.pk} if person else {}
    return Page(client.get(ADDRESS, query, HTTP_HOST="localhost"))


def end(client: Client, act: str, row: Any, person: User | None = None) -> Page:
    address = ADDRESS + (f"?person={person.pk}" if person else "")
    with TestCase.captureOnCommitCallbacks(execute=True):
        answer = client.post(address, {"act": act, "id": row}, HTTP_HOST="localhost", follow=True)
    return Page(answer)


def signed_in(user: User) -> Client:
    if not user.check_password("correct horse battery"):
        user.set_password("correct horse battery")
        user.save()
    client = Client(headers={"host": "localhost", "user-agent": "Lynx/2 <b>\N{SNOWMAN}"})
    form = {"username": user.username, "password": "correct horse battery"}
    assert client.post(reverse("sign-in"), form, REMOTE_ADDR="10.1.2.3").status_code == 302
    return client


def rows(person: User) -> dict[str, list[tuple[str, Any]]]:
    """What can be ended, by the way in of `Access` that it closes."""
    access = get_access_token_model().objects
    return {
        "session": [
            ("session", each.public_id) for each in UserSession.objects.of_person(person.pk)
        ],
        "personal": [("access-token", each.id) for each in access.filter(user=person)],
        "script": [
            ("access-token", each.id) for each in access.filter(user=None, application__user=person)
        ],
        "refresh": [
            ("refresh-token", each.id)
            for each in get_refresh_token_model().objects.filter(user=person)
        ],
    }


def test_a_session_says_where_it_began_and_can_be_ended(hub: Hub) -> None:
    user = Staff(hub, "USER").user
    here, elsewhere = signed_in(user), signed_in(user)
    page = show(here)
    assert page.text.count("10.1.2.3") == 2
    assert "Lynx/2 &lt;b&gt;?" in page.html
    assert page.text.count("this one") == 1
    for client in (here, elsewhere):
        key = client.cookies[settings.SESSION_COOKIE_NAME].value
        assert key not in page.html, "it is as good as a password"
    other = UserSession.objects.get(
        session_key=elsewhere.cookies[settings.SESSION_COOKIE_NAME].value
    )
    assert "Session ended." in end(here, "session", other.public_id)
    assert elsewhere.get(ADDRESS).status_code == 302
    assert show(here).status == 200
    assert "Session ended" in [each.summary for each in StaffChange.objects.filter(user=user)]
    assert "there no more" in end(here, "session", other.public_id)


def test_sessions_of_before_a_new_password_are_not_listed(hub: Hub) -> None:
    user = Staff(hub, "USER").user
    signed_in(user)
    user.set_password("something else")
    user.save()
    assert show(signed_in(user)).text.count("10.1.2.3") == 1


@pytest.mark.parametrize("way", ["session", "personal", "script", "refresh"])
@pytest.mark.parametrize("by", ["themselves", "operator"])
def test_each_way_in_ends_alone(hub: Hub, way: str, by: str) -> None:
    person = Staff(hub, "ADMIN")
    access = Access(person.user)
    operator = Staff(hub, "CLAB_OPERATOR")
    UserSession.objects.filter(user=person.user).exclude(
        session_key=access.browser.cookies[settings.SESSION_COOKIE_NAME].value
    ).delete()
    assert access.open == ALL
    client = access.browser if by == "themselves" else operator.client
    whose = None if by == "themselves" else person.user
    assert str(access.script) in show(client, whose)
    ((act, row),) = rows(person.user)[way]
    end(client, act, row, whose)
    assert access.open == ALL - {way}
    noted = StaffChange.objects.filter(user=person.user if whose is None else operator.user)
    assert noted.filter(path__startswith=person.user.username).count() == 1


def test_a_client_ends_with_its_tokens(hub: Hub) -> None:
    person = Staff(hub, "ADMIN")
    access = Access(person.user)
    client_id = (
        get_access_token_model()
        .objects.get(user=None, application__user=person.user)
        .application_id
    )
    end(person.client, "client", client_id)
    assert access.open == ALL - {"script"}
    assert access.new_script_token().status_code == 401


@pytest.mark.parametrize("role", ["ADMIN", "USER", "GUEST", "DPO"])
def test_only_operators_see_and_end_what_others_have(hub: Hub, role: str) -> None:
    other = Staff(hub, "ADMIN")
    access = Access(other.user)
    visitor = Staff(hub, role)
    assert show(visitor.client, other.user).status == 404
    for ends in rows(other.user).values():
        for act, row in ends:
            assert "there no more" in end(visitor.client, act, row)
            assert end(visitor.client, act, row, other.user).status == 404
    assert access.open == ALL


@pytest.mark.parametrize("odd", ["", "x", "-1", "9" * 40, "a\0", "\ufffe", "[1]"])
def test_odd_forms(hub: Hub, odd: str) -> None:
    operator = Staff(hub, "CLAB_OPERATOR")
    for act in ("session", "access-token", "refresh-token", "client", odd):
        assert "there no more" in end(operator.client, act, odd)
    answer = operator.client.get(ADDRESS, {"person": odd}, HTTP_HOST="localhost")
    assert answer.status_code == 404


def test_tokens_that_are_over_are_not_listed(hub: Hub) -> None:
    person = Staff(hub, "ADMIN")
    Access(person.user)
    assert "made without an application" in show(person.client)
    get_access_token_model().objects.update(expires="2020-01-01T00:00:00Z")
    get_refresh_token_model().objects.update(revoked="2020-01-01T00:00:00Z")
    page = show(person.client)
    assert "made without an application" not in page
    assert "None." in page
