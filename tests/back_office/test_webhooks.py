"""Webhooks in the back-office."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from configuration.models import StaffChange
from customers.models import Webhook, WebhookAttempt, WebhookState
from tests.back_office.office import Staff
from tests.customers.test_webhooks import deliver
from tests.customers.webhook_receiver import Receiver, answers, receiving
from tests.factories import Hub


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_INTERNAL_HOSTS = frozenset({"localhost"})
    with receiving() as found:
        yield found


def test_a_webhook_is_made_changed_tried_replayed_and_deleted(hub: Hub, receiver: Receiver) -> None:
    staff = Staff(hub, "ADMIN")
    form = {
        "name": "Shop", "url": receiver.url, "state": "ACTIVE", "entities": ["CUSTOMER", "EVENT"],
        "nodes": [str(hub.node.id)], "sent_fields": "base.contacts.email\r\nbase.firstName",
        "event_types": "", "max_in_flight": "2",
        "event_conditions": '[{"event": {"name": "viewedPage"}}]', "rules": "",
    }  # fmt: skip
    page = staff.submit_admin("customers_webhook_add", **form)
    assert "whsec_" in page
    webhook = Webhook.objects.get()
    assert webhook.field_paths == ["base.contacts.email", "base.firstName"]
    assert webhook.node_ids == [hub.node.id]
    assert (webhook.max_in_flight, webhook.condition) == (2, None)
    assert webhook.event_conditions == [{"event": {"name": "viewedPage"}}]
    assert "whsec_" not in staff.open_admin("customers_webhook_change", webhook.id)
    hub.post_customer()
    deliver()
    assert len(receiver.updates) == 1
    sent = staff.submit_admin("customers_webhook_send_test", webhook.id, post="yes")
    assert "Taken: 200" in sent
    receiver.answering = answers(500)
    sent = staff.submit_admin("customers_webhook_send_test", webhook.id, post="yes")
    assert "The receiver answered 500" in sent
    receiver.answering = answers(200)
    offset = receiver.updates[0]["offset"] - 1
    requested = staff.submit_admin("customers_webhook_replay", webhook.id, offset="x")
    assert "Enter a whole number" in requested
    staff.submit_admin("customers_webhook_replay", webhook.id, offset=offset)
    deliver()
    assert len(receiver.updates) == 2
    assert "is needed" in staff.submit_admin("customers_webhook_replay", webhook.id, offset="")
    staff.submit_admin("customers_webhook_replay", webhook.id, moment="2020-01-01 10:00")
    deliver()
    assert len(receiver.updates) == 3
    log = staff.open_admin("customers_webhookattempt_changelist", q=str(webhook.id))
    assert "Shop" in log
    staff.submit_admin(
        "customers_webhook_changelist", action="pause", _selected_action=[str(webhook.id)]
    )
    webhook.refresh_from_db()
    assert webhook.state == WebhookState.PAUSED
    form |= {"version": str(webhook.version), "name": "Till", "state": "ACTIVE"}
    staff.submit_admin("customers_webhook_change", webhook.id, **form)
    webhook.refresh_from_db()
    assert (webhook.name, webhook.state) == ("Till", WebhookState.ACTIVE)
    assert "whsec_" in staff.submit_admin("customers_webhook_new_secret", webhook.id, post="yes")
    staff.submit_admin("customers_webhook_delete", webhook.id, post="yes")
    assert not Webhook.objects.exists()
    for change in StaffChange.objects.all():
        assert "whsec_" not in str([change.before, change.after])


def test_staff_are_told_of_a_webhook_that_was_given_up(hub: Hub, receiver: Receiver) -> None:
    staff = Staff(hub, "ADMIN")
    by_hand = hub.admin.post(f"{hub.path}/webhooks", {"name": "Till", "url": receiver.url}).json
    hub.admin.put(f"{hub.path}/webhooks/{by_hand['id']}", {"state": "PAUSED"})
    hub.admin.post(f"{hub.path}/webhooks", {"name": "Shop", "url": receiver.url})
    receiver.answering = answers(410)
    hub.post_customer()
    assert "Paused webhooks" not in staff.open("dashboard").html
    deliver()
    dashboard = staff.open("dashboard").html
    assert "Paused webhooks" in dashboard
    assert "The receiver answered 410" in dashboard
    assert "Till" not in dashboard


def test_what_was_typed_is_kept_with_the_faults_at_their_fields(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    page = staff.submit_admin(
        "customers_webhook_add", name="Shop", url="http://10.0.0.1/", state="ACTIVE",
        sent_fields="base.nothing",
    )  # fmt: skip
    for fault in ("must begin with https://", "is not a property", 'value="Shop"'):
        assert fault in page.html
    assert not Webhook.objects.exists()


def test_others_webhooks_are_not_displayed(hub: Hub) -> None:
    stranger = Hub()
    body = {"name": "Theirs", "url": "https://hooks.example/"}
    stranger.admin.post(f"{stranger.path}/webhooks", body)
    webhook = Webhook.objects.get()
    WebhookAttempt.objects.create(
        workspace_id=stranger.workspace.id, webhook_id=webhook.id, message_id="theirs",
        first_offset=1, last_offset=1, updates=1, milliseconds=1,
    )  # fmt: skip
    staff = Staff(hub, "ADMIN")
    assert "Theirs" not in staff.open_admin("customers_webhook_changelist")
    assert staff.open_admin("customers_webhook_change", webhook.id).status in {302, 404}
    assert "theirs" not in staff.open_admin("customers_webhookattempt_changelist")
    assert staff.open_admin("customers_webhook_replay", webhook.id).status == 404


def test_segments_to_be_told_of_are_chosen_by_name(hub: Hub, receiver: Receiver) -> None:
    staff = Staff(hub, "ADMIN")
    segment = {"nodeId": str(hub.node.id), "name": "Regulars", "type": "STATIC"}
    made = hub.admin.post(f"{hub.path}/segments", segment)["id"]
    assert "Regulars" in staff.open_admin("customers_webhook_add")
    form = {
        "name": "Shop", "url": receiver.url, "state": "ACTIVE", "entities": ["SEGMENT"],
        "segments": [made], "sent_fields": "", "event_types": "",
    }  # fmt: skip
    staff.submit_admin("customers_webhook_add", **form)
    webhook = Webhook.objects.get()
    assert (webhook.entities, [str(each) for each in webhook.segment_ids]) == (["SEGMENT"], [made])
    hub.admin.delete(f"{hub.path}/segments/{made}")
    assert "(not found)" in staff.open_admin("customers_webhook_change", webhook.id)


def named(name: str) -> dict[str, Any]:
    return {"firstName": name, "contacts": {"email": f"{name}@x.it"}}


ADA = {
    "match": "all",
    "rules": [{"property": "base.firstName", "operator": "EQUALS", "value": "Ada"}],
}


def test_a_condition_is_built_and_its_preview_shown(hub: Hub, receiver: Receiver) -> None:
    staff = Staff(hub, "ADMIN")
    form = {
        "name": "Shop", "url": receiver.url, "state": "ACTIVE", "entities": ["CUSTOMER"],
        "max_in_flight": "1", "event_types": "", "event_conditions": "", "sent_fields": "",
    }  # fmt: skip
    staff.submit_admin("customers_webhook_add", **form, rules=json.dumps(ADA))
    webhook = Webhook.objects.get()
    assert webhook.condition["query"]["are"]["condition"]["value"] == "Ada"
    assert "base.firstName" in staff.open_admin("customers_webhook_change", webhook.id).html
    ada = hub.post_customer(base=named("Ada"))["id"]
    bob = hub.post_customer(base=named("Bob"))["id"]
    audited = StaffChange.objects.count()
    page = staff.open_admin("customers_webhook_show_preview", webhook.id)
    assert ada in page
    assert bob not in page
    assert StaffChange.objects.count() == audited
    hub.trusted.delete(f"{hub.path}/customers/{ada}")
    page = staff.open_admin("customers_webhook_show_preview", webhook.id)
    assert f"customers/{ada}" not in page.html
    form |= {"version": str(webhook.version)}
    staff.submit_admin("customers_webhook_change", webhook.id, **form, rules="")
    webhook.refresh_from_db()
    assert webhook.condition is None


def test_rules_that_cannot_be_read_are_refused(hub: Hub, receiver: Receiver) -> None:
    staff = Staff(hub, "ADMIN")
    form = {"name": "Shop", "url": receiver.url, "state": "ACTIVE"}
    page = staff.submit_admin("customers_webhook_add", **form, rules="[[[")
    assert "The rules could not be read" in page
    assert not Webhook.objects.exists()


def test_a_condition_beyond_the_builder_stays_json(hub: Hub, receiver: Receiver) -> None:
    staff = Staff(hub, "ADMIN")
    condition = {
        "name": "",
        "query": {
            "type": "simple",
            "are": {
                "condition": {
                    "type": "composite", "conjunction": "or",
                    "conditions": [
                        {
                            "type": "atomic", "attribute": "base.jobs.companyName",
                            "operator": "EQUALS", "value": "Acme",
                        }
                    ],
                }
            },
        },
    }  # fmt: skip
    body = {"name": "Shop", "url": receiver.url, "condition": condition}
    assert hub.admin.post(f"{hub.path}/webhooks", body).status == 201
    webhook = Webhook.objects.get()
    page = staff.open_admin("customers_webhook_change", webhook.id)
    assert "more than the builder shows" in page
    form = {
        "name": "Till", "url": receiver.url, "state": "ACTIVE", "version": str(webhook.version),
        "condition": json.dumps(condition), "event_conditions": "", "event_types": "",
        "sent_fields": "", "max_in_flight": "1",
    }  # fmt: skip
    staff.submit_admin("customers_webhook_change", webhook.id, **form)
    webhook.refresh_from_db()
    assert (webhook.name, webhook.condition) == ("Till", condition)
