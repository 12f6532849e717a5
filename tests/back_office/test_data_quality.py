"""The page of data quality: properties with their shares, and the refused part of sources."""

from __future__ import annotations

import pytest

from analytics.queries import data_quality
from customers.actions.refusals import recorder
from tests.back_office.office import Staff
from tests.factories import Hub


def test_the_page_shows_shares(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder.drop()
    staff = Staff(hub, "ADMIN")
    assert "There are no customers yet." in staff.open("data-quality")
    hub.post_customer(base={"firstName": "Zebedee", "contacts": {"email": "z@quill.example"}})
    hub.post_customer()
    assert hub.post_customer(base={"contacts": {"email": "wrong"}}).status == 400
    recorder.write()
    page = staff.open("data-quality")
    assert "All customers were read (2)." in page
    assert 'width="50.0%"' in page.html, "of the first name"
    assert 'width="33.3%"' in page.html, "of the source"
    assert hub.source.name in page
    assert "base.lastName" in page
    assert "Zebedee" not in page.html
    monkeypatch.setattr(data_quality, "MOST_CUSTOMERS", 1)
    assert "chosen at random" in staff.open("data-quality")
    assert Staff(hub, "GUEST").open("data-quality").status == 403
