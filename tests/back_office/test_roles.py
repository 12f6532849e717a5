"""Menu, links and buttons: each role is offered what it may do, and nothing else."""

from __future__ import annotations

from collections import deque
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from tests.analytics.test_answers import shop
from tests.back_office.office import Page, Staff
from tests.customers.test_erasure import DAY, delete, forget, post
from tests.factories import Hub

MOST_PAGES = 120
DEEPEST = 3
LEFT_OUT = ("/logout/", "/password_change/", "/2fa/", "/mfa/", "/reauthenticate/", "/djcelery/")
REFUSALS = ("The roles of the client do not allow", "Your role does not include")
MENUS = {
    "CLAB_OPERATOR": {"Dashboard", "Customers", "Events", "Find a person", "Users", "Workspaces"},
    "ADMIN": {"Dashboard", "Customers", "Events", "Users", "Deleted people", "Sources"},
    "USER": {"Dashboard", "Customers", "Events", "Imports", "Retention"},
    "GUEST": {"Dashboard", "Customers", "Imports", "Retention"},
    "DPO": {
        "Find a person", "Requests", "Deleted people", "Receipts", "Suppressions", "Consent log",
        "Audit log", "API clients", "Sessions and tokens",
    },
    "PLATFORM_UPDATES": {"Audit log", "API clients", "Sessions and tokens"},
}  # fmt: skip
NOT_OFFERED = {
    "ADMIN": {"Find a person", "Receipts", "Suppressions", "Consent log", "Workspaces"},
    "USER": {"Users", "Find a person", "Deleted people", "Workspaces"},
    "GUEST": {"Users", "Find a person", "Deleted people", "Workspaces"},
    "DPO": {"Dashboard", "Customers", "Imports", "Users", "Retention", "Operations", "Products"},
    "PLATFORM_UPDATES": {"Dashboard", "Customers", "Users", "Products", "Operations"},
}


class LinksAndForms(HTMLParser):
    """The links of a page, and its forms with what each button would send."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, str, dict[str, Any]]] = []
        self._form: dict[str, Any] | None = None
        self._select = ""
        self._is_disabled = 0
        self.feed(page.html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        elif tag == "form":
            method = (given.get("method") or "get").lower()
            self._form = {"action": given.get("action") or "", "method": method, "fields": {}}
            self._form["buttons"] = []
        elif tag == "fieldset" and "disabled" in given:
            self._is_disabled += 1
        elif self._form is None or "disabled" in given or self._is_disabled:
            return
        elif tag == "button" and given.get("type", "submit") == "submit":
            self._form["buttons"].append((given.get("name"), given.get("value", "")))
        elif tag == "input" and given.get("name"):
            is_off = given.get("type") in {"checkbox", "radio"} and "checked" not in given
            if not is_off and given.get("type") != "file":
                self._form["fields"][given["name"]] = given.get("value") or ""
        elif tag == "select":
            self._select = given.get("name") or ""
        elif tag == "option" and self._select:
            fields = self._form["fields"]
            if "selected" in given or self._select not in fields:
                fields[self._select] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "fieldset" and self._is_disabled:
            self._is_disabled -= 1
        elif tag == "select":
            self._select = ""
        elif tag == "form" and self._form is not None:
            form, self._form = self._form, None
            for name, value in form["buttons"]:
                sent = form["fields"] | ({name: value} if name else {})
                self.forms.append((form["method"], form["action"], sent))


def is_ours(address: str) -> bool:
    parts = urlsplit(address)
    return (
        not parts.netloc
        and parts.path.startswith("/admin/")
        and not any(each in parts.path for each in LEFT_OUT)
    )


def seeded(hub: Hub) -> None:
    shop(hub)
    delete(hub, post(hub, "deleted@x.it"))
    forget(hub, post(hub, "forgotten@x.it"))
    ada = post(hub, "ada@x.it")
    hub.trusted.post(f"{hub.path}/customers/{ada}/sessions", {"value": DAY})
    hub.clients["DPO"].post(
        f"{hub.path}/data-protection/requests", {"type": "ACCESS", "customerId": ada}
    )


def menu_of(staff: Staff) -> str:
    page = Page(staff.client.get("/admin/", HTTP_HOST="localhost", follow=True))
    assert page.status == 200
    return page.text


@pytest.mark.parametrize("role", list(MENUS))
def test_the_menu_is_that_of_the_role(hub: Hub, role: str) -> None:
    menu = menu_of(Staff(hub, role, grants={hub.node: "RW"}))
    assert {each for each in MENUS[role] if each not in menu} == set()
    offered = Staff(hub, role, grants={hub.node: "RW"})
    page = Page(offered.client.get("/admin/", HTTP_HOST="localhost", follow=True))
    titles = {text.strip() for text in page.html.replace("<", "\n<").split("\n") if ">" in text}
    sections = {each.rpartition(">")[2].strip() for each in titles}
    assert sections & NOT_OFFERED.get(role, set()) == set()


@pytest.mark.parametrize("role", list(MENUS))
def test_nothing_that_is_offered_is_refused(hub: Hub, role: str) -> None:
    seeded(hub)
    staff = Staff(hub, role)
    start = staff.client.get("/admin/", HTTP_HOST="localhost", follow=True)
    first = start.redirect_chain[-1][0] if start.redirect_chain else "/admin/"
    waiting, seen, forms = deque([(first, 0)]), {first}, []
    kinds: dict[str, int] = {}
    while waiting and len(seen) < MOST_PAGES * 4:
        address, depth = waiting.popleft()
        # A few pages of each kind say what all say.
        kind = "".join(each for each in urlsplit(address).path if not each.isdigit())[-24:]
        kinds[kind] = kinds.get(kind, 0) + 1
        if kinds[kind] > 2 or sum(kinds.values()) > MOST_PAGES:
            continue
        answer = staff.client.get(address, HTTP_HOST="localhost", follow=True)
        assert answer.status_code != 403, f"{role}: {address}"
        if answer.streaming or not answer["Content-Type"].startswith("text/html"):
            continue
        offers = LinksAndForms(Page(answer))
        for link in offers.links:
            found = urljoin(address, link).split("#")[0]
            if is_ours(found) and found not in seen and depth < DEEPEST:
                seen.add(found)
                waiting.append((found, depth + 1))
        for method, action, fields in offers.forms:
            if method == "post" and is_ours(urljoin(address, action or address)):
                forms.append((urljoin(address, action or address), fields))
    tried = set()
    for address, fields in forms:
        act = (urlsplit(address).path, fields.get("act"), fields.get("what"))
        if act in tried:
            continue
        tried.add(act)
        answer = staff.client.post(address, fields, HTTP_HOST="localhost", follow=True)
        assert answer.status_code != 403, f"{role}: POST {address} {fields}"
        if not answer.streaming:
            text = Page(answer).text
            assert not any(each in text for each in REFUSALS), f"{role}: POST {address} {fields}"
    assert len(seen) > 3
