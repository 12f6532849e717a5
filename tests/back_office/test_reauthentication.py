"""What is sensitive asks again who it is; every page and form is known to be so or not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.urls import resolve, reverse
from oauth2_provider.models import get_grant_model

from configuration.models import StaffChange, User
from configuration.models.user_session import SIGN_IN
from contacthub_project.admin.model_admin import ApiModelAdmin
from contacthub_project.admin.sign_in import reauthentication
from contacthub_project.admin.sign_in.flow import AUTHENTICATED_AT
from contacthub_project.admin.sign_in.urls import urlpatterns as sign_in_urls
from contacthub_project.admin.urls import urlpatterns
from customers.models import Customer
from tests.back_office.office import Page, Staff
from tests.contacthub_project.test_oauth2 import REDIRECT, make_client
from tests.contacthub_project.test_second_factor import PASSWORD, SECRET, code_of, wrong_code
from tests.factories import Hub, make_user

AGAIN = "/sign-in/again/"
CONFIRM = "/sign-in/again/confirm/"
HOUR = 3600
NEW_PASSWORD = "nobody guesses this one"

# Forms of the back-office, as page and `act`. Whoever adds one says here what it is.
ORDINARY = {
    ("access", "session"), ("access", "access-token"), ("access", "refresh-token"),
    ("access", "client"),
    ("configuration_apiclient_change", ""), ("configuration_apiclient_delete", ""),
    ("configuration_workspace_add", ""), ("configuration_workspace_work_here", ""),
    ("new-customer", ""), ("edit-customer", ""), ("delete-customer", ""),
    ("duplicates", "dismiss"), ("duplicates", "reopen"),
    ("merge-customers", ""), ("undo-merge", ""), ("undo-change", ""),  # all can be undone
    ("privacy", ""), ("privacy-person", ""),  # a look-up, and the reason for it
    ("customers_quarantinedrequest_mend", ""), ("customers_quarantinedrequest_replay", ""),
    ("customers_deletedcustomer_restore", ""), ("customers_suppressedvalue_lift", ""),
    ("customers_datasubjectrequest_add", ""), ("customers_datasubjectrequest_change", ""),
    ("retention", "people"), ("saved-searches", ""),
    ("fill-segment", ""), ("segment-of-search", ""),
    ("bulk-customers", ""),  # asks for the number of those to be deleted, who can be restored
    ("segments_segment_add", ""), ("segments_segment_change", ""), ("segments_segment_delete", ""),
    ("new-event", ""), ("edit-event", ""), ("delete-event", ""),
    ("bulkjobs_bulkjob_add", ""), ("bulkjobs_bulkjob_delete", ""), ("bulkjobs_exportjob_delete", ""),
    ("workspace-settings", ""), ("node-retention", ""), ("retention", "save"),
    ("configuration_node_add", ""), ("configuration_node_change", ""),
    ("node", "save"), ("aggregate-node", "save"), ("aggregate-node", "activate"),
    ("matching-rules", "look"), ("matching-rules", "save"),
    ("aggregate-node", "delete"),  # its entry nodes keep their customers
    ("properties", "switch"), ("properties", "add"), ("properties", "remove"),
    ("event-settings", "switch"), ("event-settings", "consents"),
    ("customer-tags", ""), ("customer-subscription", ""),
    ("customers_webhook_delete", ""), ("customers_webhook_send_test", ""),
    ("customers_webhook_replay", ""), ("customers_webhook_show_preview", ""), ("customers_webhook_show_attempts", ""),
    ("configuration_source_change", ""), ("configuration_source_delete", ""),
    ("configuration_source_watch_live", ""), ("configuration_user_show_access", ""),
}  # fmt: skip
READ_ONLY_PAGES = {
    "dashboard", "customers", "customer", "customer-events", "events", "event", "download-properties", "operations",
    "data-quality",
    "aggregate-progress", "aggregate-preview",
    "identity", "count-customers", "help", "segment-overlap", "privacy-receipt", "privacy-receipts",
    "privacy-deleted", "privacy-request", "privacy-requests", "privacy-suppressions",
    "clients", "nodes", "users", "workspaces",  # lead to lists of models
}  # fmt: skip
REGISTERS = {
    "bulkjobs_bulkjob", "bulkjobs_exportjob", "configuration_apiclient", "configuration_node",
    "configuration_source", "configuration_staffchange", "customers_consentlogentry",
    "configuration_user", "configuration_workspace", "configuration_senduserdatabase",
    "customers_aggregatebuild", "customers_datasubjectrequest", "customers_deletedcustomer", "customers_erasurereceipt",
    "customers_suppressedvalue", "customers_webhook",
    "customers_webhookattempt", "customers_quarantinedrequest", "events_product", "segments_segment",
    "events_purgerun", "django_celery_beat_clockedschedule", "django_celery_beat_crontabschedule",
    "django_celery_beat_intervalschedule", "django_celery_beat_periodictask",
    "django_celery_beat_solarschedule",
}  # fmt: skip


class World:
    """An operator, and what the sensitive forms are about."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.staff = Staff(hub, "CLAB_OPERATOR")
        self.operator = self.staff.user
        self.operator.set_password(PASSWORD)
        self.operator.save()
        self.browser = Client(headers={"host": "localhost"})
        sign_in(self.browser, self.operator)
        self.colleague = make_user("ADMIN", workspaces=(hub.workspace,))
        TOTP.activate(self.colleague, SECRET)
        self.newcomer = make_user("USER")
        self.customer = hub.post_customer(base={"contacts": {"email": "ada@x.it"}})["id"]
        segment = {"nodeId": str(hub.node.id), "name": "Regulars", "type": "STATIC"}
        self.segment = hub.admin.post(f"{hub.path}/segments", segment)["id"]
        webhook = {"name": "Shop", "url": "https://hooks.example/"}
        self.webhook = hub.operator.post(f"{hub.path}/webhooks", webhook)["id"]

    def address(self, page: str, query: str = "", **parts: Any) -> str:
        if page in {"clients", "workspaces", "access"}:
            return reverse(f"office:{page}")
        return self.staff.url(page, **parts) + query

    def send(self, address: str, form: dict[str, Any]) -> Any:
        return self.browser.post(address, form)


def sign_in(browser: Client, user: User) -> None:
    form = {"username": user.username, "password": PASSWORD}
    assert browser.post("/sign-in/", form).status_code == 302


def age(browser: Client, seconds: float = HOUR + 1) -> None:
    """Have a session as if it had begun, and all proofs been given, so long before."""
    age_session(browser.session, seconds)


def age_session(session: Any, seconds: float = HOUR + 1) -> None:
    began = datetime.now(UTC).timestamp() - seconds
    session[SIGN_IN] = session[SIGN_IN] | {"at": datetime.fromtimestamp(began, UTC).isoformat()}
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        each | {at: each[at] - seconds for at in ("at", AUTHENTICATED_AT) if at in each}
        for each in session.get(AUTHENTICATION_METHODS_SESSION_KEY, [])
    ]
    session.save()


@pytest.fixture
def world(hub: Hub) -> World:
    return World(hub)


Form = Callable[[World], tuple[str, dict[str, Any]]]
SENSITIVE: dict[tuple[str, str], Form] = {
    ("configuration_apiclient_add", ""): lambda w: (
        reverse("admin:configuration_apiclient_add"),
        {"name": "Mine", "authorization_grant_type": "client-credentials"},
    ),
    ("bulkjobs_exportjob_add", ""): lambda w: (
        reverse("admin:bulkjobs_exportjob_add"),
        {"from_node": w.hub.node.id, "rows": "CUSTOMER", "file_format": "csv"},
    ),
    ("configuration_source_add", ""): lambda w: (
        reverse("admin:configuration_source_add"),
        {"name": "Shop", "provider": "API", "written_nodes": [w.hub.node.id, w.hub.other_node.id],
         "trusted": "on", "enabled": "on", "date_format": "Z"},
    ),
    ("configuration_source_new_token", ""): lambda w: (
        reverse("admin:configuration_source_new_token", args=[w.hub.source.id]), {"post": "yes"},
    ),
    ("customers_webhook_add", ""): lambda w: (
        reverse("admin:customers_webhook_add"),
        {"name": "Shop", "url": "https://hooks.example/", "state": "ACTIVE"},
    ),
    ("customers_webhook_change", ""): lambda w: (
        reverse("admin:customers_webhook_change", args=[w.webhook]),
        {"name": "Till", "url": "https://hooks.example/", "state": "ACTIVE", "version": 1},
    ),
    ("customers_webhook_new_secret", ""): lambda w: (
        reverse("admin:customers_webhook_new_secret", args=[w.webhook]), {"post": "yes"},
    ),
    ("privacy-export", ""): lambda w: (
        w.address("privacy-export", customer_id=w.customer), {"format": "json"},
    ),
    ("export-customers", ""): lambda w: (
        w.address("export-customers", f"?node={w.hub.node.id}"), {"about": w.hub.node.name},
    ),
    ("export-segment", ""): lambda w: (
        w.address("export-segment", segment_id=w.segment), {"about": "Regulars"},
    ),
    ("node", "empty"): lambda w: (
        w.address("node", node_id=w.hub.node.id), {"act": "empty", "typed": w.hub.node.name},
    ),
    ("node", "delete"): lambda w: (
        w.address("node", node_id=w.hub.node.id), {"act": "delete", "typed": w.hub.node.name},
    ),
    ("configuration_workspace_change", ""): lambda w: (
        reverse("admin:configuration_workspace_change", args=[w.hub.workspace.id]),
        {"status": "SUSPENDED"},
    ),
    ("configuration_workspace_delete", ""): lambda w: (
        reverse("admin:configuration_workspace_delete", args=[w.hub.workspace.id]),
        {"post": "yes", "typed": w.hub.workspace.name},
    ),
    ("configuration_user_change", ""): lambda w: (
        reverse("admin:configuration_user_change", args=[w.colleague.id]),
        {"roles": ["USER"], "is_active": "on", f"node_{w.hub.node.id.hex}": "R"},
    ),
    ("configuration_user_add", ""): lambda w: (
        reverse("admin:configuration_user_add"),
        {"username": "grace", "roles": ["USER", "DPO"], "password": NEW_PASSWORD,
         "email": "grace@example.com"},
    ),
    ("configuration_user_add_to_workspace", ""): lambda w: (
        reverse("admin:configuration_user_add_to_workspace"), {"username": w.newcomer.username},
    ),
    ("configuration_user_remove_from_workspace", ""): lambda w: (
        reverse("admin:configuration_user_remove_from_workspace", args=[w.colleague.id]), {"post": "yes"},
    ),
    ("configuration_user_set_password", ""): lambda w: (
        reverse("admin:configuration_user_set_password", args=[w.colleague.id]),
        {"password": NEW_PASSWORD},
    ),
    ("configuration_user_remove_second_factor", ""): lambda w: (
        reverse("admin:configuration_user_remove_second_factor", args=[w.colleague.id]),
        {"post": "yes"},
    ),
}  # fmt: skip
OPERATIONS = pytest.mark.parametrize("operation", SENSITIVE, ids=lambda each: "-".join(each))


@OPERATIONS
def test_a_sensitive_form_is_done_at_once_after_signing_in(
    world: World, operation: tuple[str, str]
) -> None:
    before = StaffChange.objects.count()
    answer = world.send(*SENSITIVE[operation](world))
    assert AGAIN not in answer.headers.get("Location", "")
    assert StaffChange.objects.count() > before


@OPERATIONS
def test_a_sensitive_form_waits_for_the_password(world: World, operation: tuple[str, str]) -> None:
    browser, before = world.browser, StaffChange.objects.count()
    address, form = SENSITIVE[operation](world)
    age(browser)
    requested = world.send(address, form)["Location"]
    assert requested.startswith(f"{AGAIN}?next=%2Fsign-in%2Fagain%2Fconfirm")
    confirm = parse_qs(urlsplit(requested).query)["next"][0]
    assert browser.get(confirm)["Location"].startswith(AGAIN), "not by its address alone"
    name = parse_qs(urlsplit(confirm).query)["form"][0]
    again = browser.post(address, {"kept_form": name})["Location"]
    assert again.startswith(AGAIN), "nor by sending it again"
    requested, confirm = again, parse_qs(urlsplit(again).query)["next"][0]
    assert "not your password" in Page(browser.post(requested, {"password": "wrong"}))
    assert StaffChange.objects.count() == before

    assert browser.post(requested, {"password": PASSWORD})["Location"] == confirm
    page = Page(browser.get(confirm))
    assert "Go on?" in page
    for secret in (NEW_PASSWORD, str(world.hub.node.id)):
        assert secret not in page.html.replace(address, "")
    assert form.get("about", "") in page
    name = parse_qs(urlsplit(confirm).query)["form"][0]
    assert StaffChange.objects.count() == before, "looking at it does nothing"
    done = browser.post(address, {"kept_form": name})
    assert StaffChange.objects.count() > before
    if operation in {("export-customers", ""), ("privacy-export", "")}:
        assert b"ada@x.it" in b"".join(done.streaming_content)
    if operation == ("configuration_user_add", ""):
        grace = User.objects.get(username="grace")
        assert grace.roles == ["DPO", "USER"]
        assert grace.check_password(NEW_PASSWORD)

    after = StaffChange.objects.count()
    # What these were about is not there any more.
    if operation not in {
        ("configuration_workspace_delete", ""), ("configuration_user_remove_from_workspace", ""),
    }:  # fmt: skip
        assert "not kept any more" in Page(browser.post(address, {"kept_form": name}, follow=True))
    assert StaffChange.objects.count() == after


@pytest.mark.parametrize("act", ["", "x", "switch", "*"])
def test_where_every_form_is_sensitive_no_act_is_a_way_around(world: World, act: str) -> None:
    address, form = SENSITIVE["export-customers", ""](world)
    age(world.browser)
    assert world.send(address, form | {"act": act})["Location"].startswith(AGAIN)


def test_what_is_not_sensitive_is_done_however_long_ago_one_has_signed_in(world: World) -> None:
    age(world.browser)
    before = StaffChange.objects.count()
    form = {"act": "switch", "type": "loggedIn", "on": "false"}
    assert world.send(world.address("event-settings"), form).status_code == 302
    assert StaffChange.objects.count() == before + 1


PAGES = {
    "privacy-erase": lambda w: (
        w.address("privacy-erase", customer_id=w.customer),
        {"typed": f"erase {str(w.customer)[-8:]}"},
    ),
    "mfa_activate_totp": lambda w: (reverse("mfa_activate_totp"), {"code": "123456"}),
    "mfa_add_webauthn": lambda w: (reverse("mfa_add_webauthn"), {"name": "x", "credential": "{}"}),
    "authorize": lambda w: (
        reverse("oauth2_provider:authorize"),
        {
            "response_type": "code", "redirect_uri": REDIRECT, "code_challenge_method": "S256",
            "code_challenge": "c" * 43, "allow": "Authorize", "scope": "hub",
            "client_id": make_client(w.operator, "authorization-code", "public")[0].client_id,
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_a_page_with_only_a_sensitive_form_requires_reauthentication_first(
    world: World, page: str
) -> None:
    browser = world.browser
    address, form = PAGES[page](world)
    query = {name: value for name, value in form.items() if name not in {"allow", "typed"}}
    assert browser.get(address, query).status_code == 200
    age(browser)
    requested = browser.get(address, query)["Location"]
    assert requested.startswith(AGAIN)
    assert world.send(address, form)["Location"].startswith(AGAIN)
    assert Customer.objects.get(id=world.customer).deleted == 0
    assert not get_grant_model().objects.exists()
    assert not world.operator.has_second_factor()
    kept = dict(browser.session)
    assert "kept_form" not in kept
    assert "typed" not in str(kept), "a confirmation is typed again"
    back = browser.post(requested, {"password": PASSWORD})["Location"]
    assert browser.get(back).status_code == 200
    assert world.send(address, form).status_code in {200, 302}
    if page == "privacy-erase":
        assert Customer.objects.get(id=world.customer).deleted == -1
    if page == "authorize":
        assert get_grant_model().objects.count() == 1


def test_of_who_has_a_second_factor_the_password_is_no_proof(world: World) -> None:
    address, form = SENSITIVE["configuration_apiclient_add", ""](world)
    TOTP.activate(world.operator, SECRET)
    requested = world.send(address, form)["Location"]
    assert requested.startswith(reverse("mfa_reauthenticate")), "though it is a minute old"
    confirm = parse_qs(urlsplit(requested).query)["next"][0]
    world.browser.post(AGAIN, {"password": PASSWORD})
    assert world.browser.get(confirm)["Location"].startswith(reverse("mfa_reauthenticate"))
    assert "This is not right" in Page(world.browser.post(requested, {"code": wrong_code()}))
    assert world.browser.post(requested, {"code": code_of()})["Location"] == confirm
    assert "Go on?" in Page(world.browser.get(confirm))
    assert "Client id" in Page(world.send(address, form))


def test_an_own_password_takes_the_old_one_and_the_second_factor(world: World) -> None:
    address = reverse("admin:password_change")
    form = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    age(world.browser)
    assert world.browser.get(address).status_code == 200, "its form asks for the old one"
    wrong = Page(world.send(address, form | {"old_password": "wrong"}))
    assert "This is not your password" in wrong
    TOTP.activate(world.operator, SECRET)
    right = form | {"old_password": PASSWORD}
    for requested in (world.browser.get(address), world.send(address, right)):
        assert requested["Location"].startswith(reverse("mfa_reauthenticate"))
    world.browser.post(requested["Location"], {"code": code_of()})
    assert world.send(address, right)["Location"] == reverse("admin:password_change_done")
    world.operator.refresh_from_db()
    assert world.operator.check_password(NEW_PASSWORD)


def test_who_has_no_password_changes_none(world: World) -> None:
    world.staff.user.set_unusable_password()
    world.staff.user.save()
    world.staff.client.force_login(world.staff.user)
    page = Page(world.staff.client.get(reverse("admin:password_change"), follow=True))
    assert "You have no password here" in page


@pytest.mark.parametrize("address", [AGAIN, "/admin/password_change/"])
def test_guesses_are_counted_wherever_they_are_made(world: World, address: str) -> None:
    age(world.browser)
    new = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    for _ in range(settings.SECOND_FACTOR_ATTEMPTS):
        form = {"password": "wrong", "old_password": "wrong"} | new
        assert "not your password" in Page(world.send(address, form))
    right = {"password": PASSWORD, "old_password": PASSWORD} | new
    for each in (AGAIN, "/admin/password_change/"):
        assert "too often" in Page(world.send(each, right))
    world.operator.refresh_from_db()
    assert world.operator.check_password(PASSWORD)
    # And at the sign-in, from where they were made.
    for _ in range(settings.AXES_FAILURE_LIMIT - settings.SECOND_FACTOR_ATTEMPTS):
        Client(headers={"host": "localhost"}).post(
            "/sign-in/", {"username": world.operator.username, "password": "wrong"}
        )
    form = {"username": world.operator.username, "password": PASSWORD}
    assert Client(headers={"host": "localhost"}).post("/sign-in/", form).status_code == 429


def test_a_clock_that_is_set_back_makes_no_proof_young(world: World) -> None:
    address, form = SENSITIVE["configuration_apiclient_add", ""](world)
    with mock.patch("time.time", return_value=time.time() - 2 * HOUR):
        assert world.send(address, form)["Location"].startswith(AGAIN)


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_nobody_is_led_elsewhere(world: World, evil: str) -> None:
    answer = world.browser.post(f"{AGAIN}?{urlencode({'next': evil})}", {"password": PASSWORD})
    assert answer["Location"] == "/admin/"
    form = {"password": PASSWORD, "next": evil}
    assert world.browser.post(AGAIN, form)["Location"] == "/admin/"


def test_how_long_is_a_setting(world: World, settings: Any) -> None:
    address, form = SENSITIVE["configuration_apiclient_add", ""](world)
    age(world.browser, 120)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 60
    assert world.send(address, form)["Location"].startswith(AGAIN)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
    assert "Client id" in Page(world.send(address, form))


def kept_form_of(world: World, operation: tuple[str, str]) -> str:
    """Send a form after an hour; the name that it is kept by."""
    age(world.browser)
    requested = world.send(*SENSITIVE[operation](world))["Location"]
    confirm = parse_qs(urlsplit(requested).query)["next"][0]
    return parse_qs(urlsplit(confirm).query)["form"][0]


def reauthenticate(world: World) -> None:
    world.browser.post(AGAIN, {"password": PASSWORD})


def test_kept_forms_are_encrypted(world: World) -> None:
    kept_form_of(world, ("configuration_user_add", ""))
    kept = str(dict(world.browser.session))
    assert "kept_form" in kept
    for typed in (NEW_PASSWORD, "grace"):
        assert typed not in kept
        assert quote_plus(typed) not in kept


def test_a_kept_form_is_for_its_page_its_session_and_a_while(world: World) -> None:
    name = kept_form_of(world, ("configuration_user_add", ""))
    reauthenticate(world)
    address = reverse("admin:configuration_user_add")
    gone = "not kept any more"

    def refused(browser: Client, where: str) -> bool:
        return gone in Page(browser.post(where, {"kept_form": name}, follow=True))

    assert refused(world.browser, reverse("admin:configuration_source_add"))
    assert refused(world.browser, address + "?x=1")
    elsewhere = Client(headers={"host": "localhost"})
    sign_in(elsewhere, world.operator)
    assert refused(elsewhere, address)
    late = time.time() + reauthentication.KEPT_SECONDS + 1
    with mock.patch("time.time", return_value=late):
        assert refused(world.browser, address)
        assert gone in Page(world.browser.get(CONFIRM, {"form": name}, follow=True))
    assert not User.objects.filter(username="grace").exists()
    world.browser.post(address, {"kept_form": name})
    assert User.objects.filter(username="grace").exists()


@pytest.mark.parametrize("odd", ["", "x", "\0", "\ufffe", "a" * 5000, "[]"])
def test_odd_names_of_kept_forms(world: World, odd: str) -> None:
    kept_form_of(world, ("configuration_user_add", ""))
    reauthenticate(world)
    sent = world.browser.post(
        reverse("admin:configuration_user_add"), {"kept_form": odd}, follow=True
    )
    assert "not kept any more" in Page(sent)
    displayed = world.browser.get(CONFIRM, {"form": odd}, follow=True)
    assert "not kept any more" in Page(displayed)
    assert not User.objects.filter(username="grace").exists()


def test_few_forms_are_kept(world: World) -> None:
    names = [
        kept_form_of(world, ("configuration_user_remove_from_workspace", ""))
        for _ in range(reauthentication.MOST_KEPT + 1)
    ]
    assert list(world.browser.session["kept_form"]) == names[1:]


def test_a_form_that_is_too_large_is_not_kept(world: World) -> None:
    age(world.browser)
    address, form = SENSITIVE["configuration_source_add", ""](world)
    form |= {"name": "x" * reauthentication.LONGEST_KEPT}
    requested = world.send(address, form)["Location"]
    assert parse_qs(urlsplit(requested).query)["next"] == [address]
    assert "kept_form" not in world.browser.session
    back = world.browser.post(requested, {"password": PASSWORD}, follow=True)
    assert "too much to be kept" in Page(back)


def test_forms_that_come_from_elsewhere_are_not_kept(world: World) -> None:
    browser = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)
    browser.force_login(world.operator)
    age(browser)
    assert browser.post(*SENSITIVE["configuration_apiclient_add", ""](world)).status_code == 403
    assert "kept_form" not in browser.session


class Forms(HTMLParser):
    """What a page can send: addresses with `act`s, "" for a form without one."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self._address: str | None = None
        self._acts: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "form" and (given.get("method") or "").lower() == "post":
            self._address, self._acts = given.get("action") or "", set()
        elif self._address is not None and given.get("name") == "act":
            self._acts.add(given.get("value") or "")
        for name in ("formaction", "hx-post"):
            if given.get(name):
                self.found.add((given[name] or "", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._address is not None:
            self.found |= {(self._address, act) for act in self._acts or {""}}
            self._address = None


def pages(world: World, **parts: Any) -> Iterator[str]:
    """The address of each page that needs no other parts."""
    for pattern in urlpatterns:
        expected = set(pattern.pattern.converters) - {"workspace_id"}
        if expected <= parts.keys():
            yield world.address(pattern.name, **{each: parts[each] for each in expected})


def of_model_admins() -> Iterator[tuple[str, str]]:
    """The forms of model admins whose permissions are those of operations, or a person's own."""
    for model, each in admin.site._registry.items():
        if isinstance(each, ApiModelAdmin):
            acts = {*each.operations, *each.actions_detail, *each.actions_list}
            acts |= {*getattr(each, "sensitive", {})}
            acts |= set() if each.operations else {"change", "delete"}
            acts -= {"view"}
            for act in acts:
                yield f"{model._meta.app_label}_{model._meta.model_name}_{act}", ""


def test_every_form_is_known_to_be_sensitive_or_not(world: World) -> None:
    make_client(world.operator, "client-credentials")
    hub = world.hub
    aggregate = hub.admin.post(
        f"{hub.configuration}/nodes/aggregates",
        {"name": "All", "entryNodes": [str(hub.node.id)],
         "matchingProperties": {"properties": ["base.contacts.email"], "caseSensitive": False}},
    )["id"]  # fmt: skip
    extended = {"shoe": {"type": "integer"}}
    assert hub.admin.put(f"{hub.configuration}/properties/extended", extended).status == 200
    found: set[tuple[str, str]] = set()
    for node in (hub.node.id, aggregate):
        segment = reverse("admin:segments_segment_change", args=[world.segment])
        for address in [*pages(world, customer_id=world.customer, node_id=node), segment]:
            answer = world.browser.get(address)
            forms = Forms()
            forms.feed("" if answer.streaming else answer.content.decode())
            for target, act in forms.found:
                match = resolve(urlsplit(target or address).path)
                if match.app_name == "office":
                    found.add((match.url_name or "", act))
    found |= set(of_model_admins())
    known = ORDINARY | SENSITIVE.keys() | {("privacy-erase", "")}
    assert found - known == set(), "say whether it is sensitive"
    assert SENSITIVE.keys() - found == set()
    named = {page for page, _ in known} | READ_ONLY_PAGES
    named -= {page for page, _ in of_model_admins()}
    assert {pattern.name for pattern in urlpatterns} == named, "say whether it is sensitive"
    registers = {f"{each._meta.app_label}_{each._meta.model_name}" for each in admin.site._registry}
    assert registers == REGISTERS, "say whether it is sensitive"


# Of allauth's pages those that change nothing, or are the asking itself.
UNASKED = {
    "mfa_index", "mfa_list_webauthn", "mfa_authenticate", "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn", "mfa_login_webauthn", "mfa_signup_webauthn", "mfa_trust",
}  # fmt: skip


def of_second_factors(resolver: Any) -> Iterator[Any]:
    for each in resolver.url_patterns:
        if hasattr(each, "url_patterns"):
            yield from of_second_factors(each)
        else:
            yield each


@pytest.mark.parametrize("has_one", [True, False])
def test_every_page_that_changes_second_factors_requires_reauthentication(
    world: World, has_one: bool
) -> None:
    if has_one:
        TOTP.activate(world.operator, SECRET)
        RecoveryCodes.activate(world.operator)
    age(world.browser)
    included = next(each for each in sign_in_urls if hasattr(each, "url_patterns"))
    asking = {each.name for each in of_second_factors(included)}
    sent_there: set[str] = set()
    for name in asking:
        of_a_key = name in {"mfa_remove_webauthn", "mfa_edit_webauthn"}
        address = reverse(name, kwargs={"pk": 1} if of_a_key else {})
        for answer in (world.browser.get(address), world.browser.post(address, {})):
            if name not in UNASKED and answer.status_code not in {404, 405}:
                where = reverse("mfa_reauthenticate") if has_one else AGAIN
                assert answer.headers.get("Location", "").startswith(where), name
                sent_there.add(name)
    if has_one:
        assert sent_there == asking - UNASKED
