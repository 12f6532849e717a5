"""Guessing passwords."""

from __future__ import annotations

import pytest
from django.test import Client

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
