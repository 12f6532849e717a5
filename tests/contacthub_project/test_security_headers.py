"""What browsers and caches are told with every answer; the table is in docs/security.md."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings as product_settings
from django.test import Client
from django.urls import reverse

from configuration.models import User
from contacthub_project.admin.urls import urlpatterns
from contacthub_project.web.handlers import ApiHandler, PagesHandler
from tests.back_office.office import Staff
from tests.client import ApiClient
from tests.contract.test_operations import BUILT, call, client_of, filled, name
from tests.factories import Hub

PLAIN = [each for each in urlpatterns if not set(each.pattern.converters) - {"workspace_id"}]
PUBLIC = ["/admin/login/", "/sign-in/", "/docs", "/redoc", "/openapi.json"]
FORBIDDEN = ["camera", "microphone", "geolocation", "payment", "usb", "serial", "hid"]


def check_policy(text: str) -> dict[str, list[str]]:
    """What no page's policy allows; the policy by its directives."""
    policy = {words[0]: words[1:] for words in map(str.split, text.split(";"))}
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert {each for each in policy["script-src"] if not each.startswith("'nonce-")} == {"'self'"}
    assert policy["connect-src"] == policy["font-src"] == ["'self'"]
    return policy


def check_page(headers: Any, *, opener: str = "same-origin") -> None:
    assert "no-store" in headers["Cache-Control"]
    assert "public" not in headers["Cache-Control"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == opener
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "credentialless"
    check_policy(headers["Content-Security-Policy"])
    policy = dict(each.split("=") for each in headers["Permissions-Policy"].split(", "))
    for feature in FORBIDDEN:
        assert policy[feature] == "()"


@pytest.mark.parametrize("pattern", PLAIN, ids=lambda each: each.name)
def test_pages_of_the_back_office(hub: Hub, pattern: Any) -> None:
    parts = {"workspace_id": hub.workspace.id} if pattern.pattern.converters else {}
    address = reverse(f"office:{pattern.name}", kwargs=parts)
    staff = Staff(hub, "CLAB_OPERATOR")
    for answer in (staff.client.get(address, HTTP_HOST="localhost"), Client().get(address)):
        assert answer.status_code in {200, 302, 405}
        check_page(answer.headers)


@pytest.mark.parametrize("address", [*PUBLIC, "/admin/", "/nope", "/oauth2/authorize/"])
def test_other_pages(db: None, address: str) -> None:
    # The console of the documentation signs in by a window of its own, which must find it again.
    opener = "unsafe-none" if address == "/docs" else "same-origin"
    headers = Client().get(address).headers
    check_page(headers, opener=opener)
    policy = check_policy(headers["Content-Security-Policy"])
    drawn = address in {"/docs", "/redoc"}
    assert policy["style-src"] == ["'self'", *(["'unsafe-inline'"] if drawn else [])]
    led_elsewhere = address in {"/sign-in/", "/admin/login/", "/oauth2/authorize/"}
    assert policy["form-action"] == ["'self'", *(["https:", "http:"] if led_elsewhere else [])]


def test_each_answer_has_a_nonce_of_its_own(db: None) -> None:
    found = set()
    for _ in range(2):
        answer = Client().get("/docs")
        (nonce,) = re.findall(r"'nonce-([^']{20,})'", answer.headers["Content-Security-Policy"])
        assert f'<script nonce="{nonce}">' in answer.content.decode()
        found.add(nonce)
    assert len(found) == 2


def test_static_files_may_be_kept(db: None) -> None:
    response = Client().get("/static/office/office.css")
    response.close()
    assert response.status_code == 200
    assert "max-age" in response.headers["Cache-Control"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    check_policy(response.headers["Content-Security-Policy"])


@pytest.mark.parametrize("operation", BUILT, ids=name)
def test_answers_of_the_api_are_not_kept(hub: Hub, operation: Any) -> None:
    client = client_of(hub, operation) if not operation.is_public else ApiClient()
    path = filled(operation.path, workspaceId=hub.workspace.id, nodeId=hub.node.id)
    for response in (call(client, operation, path), ApiClient("unknown").get(path)):
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_customer_is_not_kept(hub: Hub) -> None:
    path = f"{hub.path}/customers/{hub.post_customer()['id']}"
    read = hub.trusted.get(path)
    assert read.headers["Cache-Control"] == "no-store"
    unchanged = hub.trusted.get(path, If_None_Match=read.headers["ETag"])
    assert (unchanged.status, unchanged.headers["Cache-Control"]) == (304, "no-store")


@pytest.fixture
def https(settings: Any) -> Any:
    """The settings that `HTTPS=true`, the default, makes."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.SECURE_SSL_REDIRECT = True
    return settings


def test_cookies(db: None, https: Any) -> None:
    User.objects.create_superuser("olivia", "the right one")
    client = Client(headers={"host": "localhost"})
    form = {"username": "olivia", "password": "the right one"}
    assert client.get("/sign-in/", secure=True).status_code == 200
    assert client.post("/sign-in/", form, secure=True).status_code == 302
    names = {product_settings.SESSION_COOKIE_NAME, product_settings.CSRF_COOKIE_NAME}
    assert set(client.cookies) == names
    for cookie in client.cookies.values():
        assert cookie["secure"] is True
        assert cookie["httponly"] is True
        assert cookie["samesite"] == "Lax"
        assert cookie["domain"] == "", "of this host alone"


def test_hsts(hub: Hub, https: Any) -> None:
    pages, api = PagesHandler(), ApiHandler()
    expected = "max-age=31536000; includeSubDomains; preload"
    https.TRUSTED_PROXIES = 1
    https.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    response = ApiClient(hub.trusted.token, api).get("/me", X_Forwarded_Proto="https")
    assert response.status == 200
    assert response.headers["Strict-Transport-Security"] == expected
    page = ApiClient(None, pages).get("/sign-in/", absolute=True, X_Forwarded_Proto="https")
    assert page.status == 200
    assert page.headers["Strict-Transport-Security"] == expected
    plain = ApiClient(None, pages).get("/sign-in/", absolute=True)
    assert (plain.status, plain.headers["Location"]) == (301, "https://testserver/sign-in/")
