"""Guessing passwords."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from configuration.models import User


def attempt(client: Client, path: str, password: str) -> int:
    form = {"username": "olivia", "password": password}
    return client.post(path, form, HTTP_HOST="localhost").status_code


@pytest.mark.parametrize("path", ["/admin/login/", "/sign-in/"])
def test_who_guesses_has_to_wait(db: None, path: str, settings: object) -> None:
    User.objects.create_superuser("olivia", "the right one")
    client = Client()
    statuses = [attempt(client, path, f"wrong {number}") for number in range(10)]
    assert statuses[:9] == [200] * 9
    assert attempt(client, path, "the right one") == 429
    # Others are not kept out by it.
    User.objects.create_superuser("oscar", "the right one")
    form = {"username": "oscar", "password": "the right one"}
    assert Client().post(path, form, HTTP_HOST="localhost").status_code == 302


def guess(name: str, password: str, address: str, **headers: str) -> int:
    form = {"username": name, "password": password}
    extra = {"HTTP_HOST": "localhost", "REMOTE_ADDR": address} | headers
    return Client().post("/sign-in/", form, **extra).status_code  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("guessing", "elsewhere"),
    [
        (["10.1.2.3"], "10.1.2.4"),
        (["10.1.2.3", "::ffff:10.1.2.3", "::ffff:a01:203"], "::ffff:10.1.2.4"),
        (["2001:db8:1:1::1", "2001:db8:1:1::2", "2001:db8:1:1:ffff::3"], "2001:db8:1:2::1"),
    ],
)
def test_one_password_for_many_names_is_slowed_by_address(
    db: None, guessing: list[str], elsewhere: str, settings: Any
) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_ADDRESS = 12
    User.objects.create_superuser("olivia", "the right one")
    for number in range(11):
        address = guessing[number % len(guessing)]
        assert guess(f"person{number}", "Spring2026!", address) == 200
    assert guess("person11", "Spring2026!", guessing[0]) == 429
    for address in guessing:
        assert guess("person99", "Spring2026!", address) == 429
        assert guess("olivia", "the right one", address) == 429, (
            "whoever it is that comes from there"
        )
    assert guess("olivia", "the right one", elsewhere) == 302
    later = timezone.now() + settings.AXES_COOLOFF_TIME + timedelta(seconds=1)
    with mock.patch("axes.handlers.proxy.now", return_value=later):
        assert guess("olivia", "the right one", guessing[0]) == 302


def test_signing_in_with_an_own_account_does_not_forgive_guesses_at_others(
    db: None, settings: Any
) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_ADDRESS = 12
    User.objects.create_superuser("mallory", "the right one")
    for number in range(11):
        assert guess(f"person{number}", "Spring2026!", "10.1.2.3") == 200
        if number % 4 == 0:
            assert guess("mallory", "the right one", "10.1.2.3") == 302
    assert guess("person11", "Spring2026!", "10.1.2.3") == 429
    assert guess("mallory", "the right one", "10.1.2.3") == 429


@pytest.mark.parametrize("forwarded", ["rubbish", "", "1.2.3.4:99", "::ffff:1.2.3.4, \x00"])
def test_an_unreadable_address_is_no_failure(db: None, forwarded: str, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    User.objects.create_superuser("olivia", "the right one")
    for password, status in (("wrong", 200), ("the right one", 302)):
        outcome = guess("olivia", password, "10.1.2.3", HTTP_X_FORWARDED_FOR=forwarded)
        assert outcome == status


def test_a_right_password_forgives(db: None) -> None:
    User.objects.create_superuser("olivia", "the right one")
    client = Client()
    for _ in range(3):
        for number in range(5):
            attempt(client, "/sign-in/", f"wrong {number}")
        assert attempt(client, "/sign-in/", "the right one") == 302


def test_signing_in_without_a_destination_leads_to_the_admin(db: None) -> None:
    User.objects.create_superuser("olivia", "the right one")
    form = {"username": "olivia", "password": "the right one"}
    client = Client(headers={"host": "localhost"})
    signed_in = client.post("/sign-in/", form)
    assert signed_in["Location"] == "/admin/"
    assert client.get(signed_in["Location"], follow=True).status_code == 200


def test_a_form_without_a_csrf_token_gets_a_page_of_ours(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in/", {"username": "u"})
    assert answer.status_code == 403
    text = answer.content.decode()
    assert "The form was not accepted" in text
    assert 'class="office-card"' in text
