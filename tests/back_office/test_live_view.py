"""The page of a source shows what web pages embed, and events as they come in."""

from __future__ import annotations

from uuid import UUID

from customers.actions.refusals import recorder
from tests.back_office.office import Staff
from tests.factories import Hub, make_source


def test_a_sources_page_shows_its_tag_and_its_events(hub: Hub) -> None:
    source, _ = make_source(hub.workspace, [hub.node], trusted=False)
    staff = Staff(hub, "ADMIN")
    page = staff.open_admin("configuration_source_watch_live", source.id)
    assert f"data-workspace=&quot;{hub.workspace.id}&quot;" in page.html
    assert f"data-node=&quot;{hub.node.id}&quot;" in page.html
    assert "<script async" not in page.html
    trusted = staff.open_admin("configuration_source_watch_live", hub.source.id)
    assert "data-workspace" not in trusted.html
    after = trusted.html.partition('data-after="')[2].partition('"')[0]
    event = {"type": "loggedIn", "context": "WEB", "properties": {}}
    customer = hub.post_customer()["id"]
    hub.trusted.post(f"{hub.path}/events", event | {"customerId": customer})
    hub.trusted.post(f"{hub.path}/events", event | {"customerId": str(UUID(int=0))})
    recorder.write()
    url = staff.admin_url("configuration_source_watch_live", hub.source.id)
    events = staff.client.get(url, {"after": after}, HTTP_HOST="localhost").json()
    assert [each["outcome"] for each in events["elements"]] == ["ACCEPTED", "REFUSED"]
    assert staff.client.get(url, {"after": "x"}, HTTP_HOST="localhost").status_code == 400


def test_others_sources_are_not_shown(hub: Hub) -> None:
    stranger = Hub()
    staff = Staff(hub, "ADMIN")
    answer = staff.open_admin("configuration_source_watch_live", stranger.source.id)
    assert answer.status == 404
