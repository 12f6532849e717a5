"""Pages are in the language of the person; the API is in English whoever asks."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import translation

from tests.back_office.office import Staff
from tests.client import ApiClient
from tests.factories import Hub, make_token

pytestmark = pytest.mark.django_db

ITALIAN = {"HTTP_ACCEPT_LANGUAGE": "it-IT,it;q=0.9", "HTTP_HOST": "localhost"}


def language_of(html: str) -> str:
    found = re.search(r'<html\s[^>]*?lang="([a-z]+)', html)
    assert found is not None
    return found[1]


@pytest.fixture
def staff(hub: Hub) -> Staff:
    return Staff(hub, "ADMIN")


def page(staff: Staff, **headers: str) -> str:
    answer = staff.client.get(staff.url("dashboard"), **({"HTTP_HOST": "localhost"} | headers))
    assert answer.status_code == 200
    return answer.content.decode()


def choose(client: Client, language: str) -> None:
    form = {"language": language, "next": "/admin/login/"}
    assert client.post("/admin/language/", form, HTTP_HOST="localhost").status_code == 302


def test_pages_are_in_the_language_of_the_browser_until_one_is_chosen(staff: Staff) -> None:
    assert language_of(page(staff)) == "en"
    assert language_of(page(staff, **ITALIAN)) == "it"
    choose(staff.client, "en")
    assert language_of(page(staff, **ITALIAN)) == "en"


def test_a_person_finds_the_chosen_language_in_another_browser(staff: Staff) -> None:
    choose(staff.client, "it")
    elsewhere = Client()
    elsewhere.force_login(staff.user)
    answer = elsewhere.get(staff.url("dashboard"), HTTP_HOST="localhost")
    assert language_of(answer.content.decode()) == "it"
    assert answer.headers["Content-Language"] == "it"
    assert "Accept-Language" in answer.headers["Vary"]


def test_a_language_that_is_not_there_is_not_taken(staff: Staff) -> None:
    choose(staff.client, "it")
    for unknown in ("xx", "", "../it", "it\0"):
        staff.client.post("/admin/language/", {"language": unknown}, HTTP_HOST="localhost")
    staff.user.refresh_from_db()
    assert staff.user.lang == "it"


def test_signing_in_is_in_the_language_of_the_browser_or_the_chosen_one(db: None) -> None:
    client = Client()
    html = client.get("/admin/login/", **ITALIAN).content.decode()
    assert language_of(html) == "it"
    choose(client, "en")
    assert language_of(client.get("/admin/login/", **ITALIAN).content.decode()) == "en"


def test_the_language_of_one_page_is_not_that_of_what_runs_next_in_the_thread(staff: Staff) -> None:
    page(staff, **ITALIAN)
    assert translation.get_language() == "en"


def test_what_the_api_says_is_in_english(hub: Hub, staff: Staff) -> None:
    choose(staff.client, "it")
    page(staff, **ITALIAN)
    for client in (hub.trusted, ApiClient(make_token(staff.user))):
        usual = client.post(f"{hub.path}/customers", {})
        asked = client.post(f"{hub.path}/customers", {}, Accept_Language="it")
        assert asked.status == 400
        assert "Content-Language" not in asked.headers
        assert asked["message"] == usual["message"] == "source customer is not valid"
        assert asked["errors"] == usual["errors"]


def test_who_one_is_names_the_language_that_is_chosen(hub: Hub, staff: Staff) -> None:
    client = ApiClient(make_token(staff.user))
    assert client.get("/me")["lang"] == "en"
    choose(staff.client, "it")
    assert client.get("/me")["lang"] == "it"
