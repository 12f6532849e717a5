"""Takes the pictures of docs/images: `python -m tests.back_office.pictures .data`.

The product must be running with that data folder, after `manage.py seed_demo`. A person with
consents, orders and subscriptions is added, so that the pages have something to show.
"""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
WIDE, PHONE = 1300, 390
GIVEN = {"status": True, "limitation": False, "objection": False}
LIMITED = {"status": True, "limitation": True, "objection": False}
PERSON = {
    "externalId": "CRM-1001",
    "base": {
        "firstName": "Zoë",
        "lastName": "Ferri",
        "dob": "1984-05-17",
        "contacts": {"email": "zoe.ferri@example.com", "mobilePhone": "+39 333 1234567"},
        "address": {"street": "Via Indipendenza 8", "city": "Bologna", "zip": "40121"},
        "jobs": [{"id": "j1", "companyName": "Acme", "jobTitle": "Buyer", "isCurrent": True}],
        "subscriptions": [
            {"id": "s1", "name": "Weekly newsletter", "subscribed": True},
            {"id": "s2", "name": "Loyalty club", "subscribed": False},
        ],
    },
    "tags": {"auto": ["VIP"], "manual": ["met at the fair"]},
    "consents": {
        "disclaimer": {"date": "2026-05-01T10:00:00Z", "version": "v3"},
        "marketing": {"automatic": {"email": GIVEN, "sms": LIMITED}},
        "profiling": {"classic": GIVEN},
    },
}
# Name, page below the workspace (or from /admin/), width, and whether dark.
PICTURES = (
    ("dashboard", "", WIDE, False),
    ("customers", "customers/", WIDE, False),
    ("rules", "customers/?rules={rules}", WIDE, False),
    ("customer", "customers/{person}/", WIDE, False),
    ("customer-phone", "customers/{person}/", PHONE, True),
    ("customer-form", "customers/{person}/edit/", WIDE, False),
    ("event-form", "events/new/?type=completedOrder&customer={person}", WIDE, False),
    ("import", "/admin/bulkjobs/bulkjob/add/", WIDE, False),
    ("segment", "/admin/segments/segment/add/", WIDE, True),
    ("privacy", "/admin/customers/datasubjectrequest/", WIDE, False),
    ("sources", "/admin/configuration/source/", WIDE, False),
    ("operations", "operations/", WIDE, True),
)


def add_person(address: str, known: dict[str, Any]) -> str:
    """Add a person with orders of the last year; return their id."""
    api = httpx.Client(
        base_url=f"{address}/hub/v1/workspaces/{known['workspaceId']}",
        headers={"Authorization": f"Bearer {known['tokens']['trusted']}"},
    )
    person: str = api.post(
        "/customers", json=PERSON | {"nodeId": known["nodeIds"][0]}
    ).raise_for_status().json()["id"]  # fmt: skip
    for number in range(8):
        moment = datetime.now(UTC) - timedelta(days=7 + 37 * number)
        products = [{"id": f"p{number}", "name": "Wine glass", "quantity": 2 + number % 3}]
        event = {
            "customerId": person,
            "type": "completedOrder",
            "context": "ECOMMERCE",
            "date": moment.isoformat(),
            "externalId": f"picture-{number}",
            "properties": {
                "orderId": f"A{100 + number}",
                "amount": {"total": 35 + 23 * number % 70},
                "products": products,
            },
        }
        api.post("/events", json=event)
    return person


def sign_in(browser: Browser, address: str, known: dict[str, Any]) -> Any:
    """Return the cookies of a signed-in person."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/admin/login/")
    page.fill("[name=username]", known["login"]["username"])
    page.fill("[name=password]", known["login"]["password"])
    page.click("[type=submit]")
    page.wait_for_load_state("networkidle")
    return context.storage_state()


def take(page: Page, address: str, name: str) -> None:
    """Take the picture of a page, as much as a screen shows."""
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 200, f"{address}: {answer.status}"
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"{name}.png")


def main(data: Path) -> None:
    known = json.loads((data / "demo.json").read_text())
    address = known["baseUrl"]
    rules = json.dumps(
        {
            "match": "all",
            "rules": [
                {"property": "base.contacts.email", "operator": "IS_NOT_NULL"},
                {"property": "registeredAt", "operator": "LAST_DAYS", "value": "365"},
            ],
        }
    )
    parts = {"person": add_person(address, known), "rules": rules}
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        cookies = sign_in(browser, address, known)
        for name, path, width, is_dark in PICTURES:
            context = browser.new_context(
                storage_state=cookies,
                viewport={"width": width, "height": 860},
                color_scheme="dark" if is_dark else "light",
            )
            here = f"/admin/office/{known['workspaceId']}/" if path[:1] != "/" else ""
            take(context.new_page(), f"{address}{here}{path.format(**parts)}", name)
            context.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
