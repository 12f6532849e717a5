"""Values of people who were forgotten: what happens when they come back."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from contacthub_project.core.errors import Unavailable
from customers.models import Customer, SuppressedValue
from customers.queries import suppressions
from tests.bulkjobs.test_jobs import process, results, upload
from tests.customers.test_data_protection import dump
from tests.customers.test_erasure import forget, post
from tests.factories import Hub, make_node

CONSENT = {"marketing": {"automatic": {"email": {"status": True}}}}
REFUSAL = {"marketing": {"automatic": {"email": {"status": False}}}}
OLD = {"disclaimer": {"date": "2020-01-01T00:00:00.000Z"}, **CONSENT}


def set_mode(hub: Hub, mode: str) -> None:
    answer = hub.admin.put(hub.configuration, {"suppression": mode})
    assert answer.status == 200, answer.content


def comes(hub: Hub, email: str = "zebra@x.it", node: Any = None, **body: Any) -> Any:
    base = {"contacts": {"email": email}}
    return hub.post_customer(nodeId=str((node or hub.node).id), base=base, **body)


def imported(hub: Hub, text: str, **fields: str) -> list[str]:
    job = upload(hub, text, **fields)
    assert job.status in {200, 201}, job.content
    assert process(seconds=60)
    return [each["outcome"] for each in results(hub, job)]


def forgotten_customer(hub: Hub, **query: Any) -> dict[str, Any]:
    return forget(hub, post(hub, "Zebra@x.it", externalId="Z-1"), **query)


def listed(hub: Hub, **query: Any) -> list[dict[str, Any]]:
    answer = hub.clients["DPO"].get(f"{hub.path}/data-protection/suppressions", query=query)
    assert answer.status == 200, answer.content
    return answer["elements"]


def test_what_is_left_are_hashes_that_only_the_installation_can_make(hub: Hub) -> None:
    receipt = forgotten_customer(hub)
    values = listed(hub, receiptId=receipt["id"])
    assert sorted(each["kind"] for each in values) == ["EMAIL", "EXTERNAL_ID", "KEY"]
    assert {each["nodeId"] for each in values} == {str(hub.node.id)}
    assert "zebra" not in dump()
    assert "z-1" not in dump()
    assert [each["kind"] for each in listed(hub, email="ZEBRA@x.it")] == ["EMAIL"]
    assert [each["kind"] for each in listed(hub, externalId="Z-1")] == ["EXTERNAL_ID"]
    assert listed(hub, email="other@x.it") == []
    assert Hub().clients["DPO"].get(f"{hub.path}/data-protection/suppressions").status == 403


def test_imports_are_refused_and_a_single_write_is_noted(hub: Hub) -> None:
    forgotten_customer(hub)
    rows = "externalId,base.contacts.email\n1,zebra@x.it\nZ-1,new@x.it\n3,c@x.it\n"
    assert imported(hub, rows) == ["forgotten", "forgotten", "created"]
    assert {each["returns"] for each in listed(hub)} == {0}
    back = comes(hub)
    assert back.status == 201
    noted = {each["kind"]: each["returns"] for each in listed(hub)}
    assert noted == {"EMAIL": 1, "KEY": 1, "EXTERNAL_ID": 0}
    # Who has come back by themselves may be imported again, but for what they have not brought.
    assert imported(hub, "base.contacts.email,base.firstName\nzebra@x.it,Zeb\n") == ["updated"]
    assert imported(hub, "externalId,base.contacts.email\nZ-1,zebra@x.it\n") == ["forgotten"]
    assert hub.admin.get(f"{hub.path}/customers/{back['id']}")["externalId"] is None


def test_a_row_that_names_a_customer_by_id_brings_nobody_back(hub: Hub) -> None:
    forgotten_customer(hub)
    other = post(hub, "other@x.it")
    rows = f"id,base.contacts.email\n{other},zebra@x.it\n"
    assert imported(hub, rows) == ["forgotten"]
    assert (
        hub.admin.get(f"{hub.path}/customers/{other}")["base"]["contacts"]["email"] == "other@x.it"
    )
    patched = hub.admin.patch(
        f"{hub.path}/customers/{other}", {"base": {"contacts": {"email": "zebra@x.it"}}}
    )
    assert patched.status == 200


def test_a_row_about_an_event_of_somebody_forgotten_is_left_out(hub: Hub) -> None:
    forgotten_customer(hub)
    rows = "externalId,context,date,properties.keyword\n" + "".join(
        f"{each},WEB,2026-01-01T00:00:00Z,k\n" for each in ("Z-1", "A-1")
    )
    found = imported(hub, rows, entity="EVENT", eventType="searched")
    assert found == ["forgotten", "created"]


@pytest.mark.parametrize("mode", ["IMPORTS", "ALLOW_WITH_CONSENT", "REFUSE", "OFF"])
def test_each_mode_decides_by_who_writes_and_with_what_consent(hub: Hub, mode: str) -> None:
    forgotten_customer(hub)
    set_mode(hub, mode)
    allowed = {
        "IMPORTS": lambda is_import, consent: not is_import,
        "ALLOW_WITH_CONSENT": lambda is_import, consent: consent is CONSENT,
        "REFUSE": lambda is_import, consent: False,
        "OFF": lambda is_import, consent: True,
    }[mode]
    for is_import, consent in itertools.product((True, False), (None, REFUSAL, OLD, CONSENT)):
        if is_import:
            status = (consent or {}).get("marketing", {}).get("automatic", {}).get("email", {})
            if consent is OLD:
                continue
            rows = "base.contacts.email,consents.marketing.automatic.email.status\n"
            word = {None: "", True: "true", False: "false"}[status.get("status")]
            taken = imported(hub, f"{rows}zebra@x.it,{word}\n") == ["created"]
        else:
            answer = comes(hub, **({"consents": consent} if consent else {}))
            taken = answer.status == 201
            if not taken:
                assert answer.status == 409
                assert [each["code"] for each in answer["errors"]] == ["forgotten"]
        assert taken is allowed(is_import, consent), (is_import, consent)
        Customer.objects.filter(node_id=hub.node.id, deleted=0).update(deleted=-1, match_key=None)


def test_who_has_come_back_with_a_consent_is_written_like_anybody(hub: Hub) -> None:
    forgotten_customer(hub)
    set_mode(hub, "ALLOW_WITH_CONSENT")
    assert comes(hub).status == 409
    back = comes(hub, consents=CONSENT)
    assert back.status == 201
    path = f"{hub.path}/customers/{back['id']}"
    assert hub.admin.patch(path, {"base": {"firstName": "Zeb"}}).status == 200
    assert comes(hub).status == 200
    assert hub.admin.patch(path, {"externalId": "Z-1"}).status == 409
    other = post(hub, "other@x.it")
    taken = hub.admin.patch(f"{hub.path}/customers/{other}", {"externalId": "Z-1"})
    assert taken.status == 409


def test_the_scope_of_the_erasure_is_that_of_the_suppression(hub: Hub) -> None:
    set_mode(hub, "REFUSE")
    forgotten_customer(hub)
    assert comes(hub).status == 409
    assert comes(hub, node=hub.other_node).status == 201
    forget(hub, post(hub, "yak@x.it", externalId="Y"), scope="workspace")
    shop = make_node(hub.workspace)
    hub.trusted.token = hub.admin.token
    assert comes(hub, "YAK@x.it", node=shop).status == 409
    assert comes(hub, "else@x.it", node=shop, externalId="Y").status == 201


def test_other_workspaces_and_people_are_not_concerned(hub: Hub) -> None:
    set_mode(hub, "REFUSE")
    forgotten_customer(hub)
    assert comes(hub, "somebody@x.it").status == 201
    assert comes(Hub()).status == 201


def test_a_suppression_is_lifted_with_a_reason(hub: Hub) -> None:
    forgotten_customer(hub)
    set_mode(hub, "REFUSE")
    dpo = hub.clients["DPO"]
    path = f"{hub.path}/data-protection/suppressions"
    for value in listed(hub):
        for wrong in ({}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 501}, {"reason": 5}):
            assert dpo.post(f"{path}/{value['id']}/lift", wrong).status == 400
        answer = dpo.post(f"{path}/{value['id']}/lift", {"reason": "signed up again"})
        assert (answer.status, answer["liftReason"]) == (200, "signed up again")
        again = dpo.post(f"{path}/{value['id']}/lift", {"reason": "another"})
        assert again.json == answer.json
        assert hub.admin.post(f"{path}/{value['id']}/lift", {"reason": "x"}).status == 403
        other = Hub()
        elsewhere = f"{other.path}/data-protection/suppressions/{value['id']}/lift"
        assert other.clients["DPO"].post(elsewhere, {"reason": "x"}).status == 404
    assert comes(hub, externalId="Z-1").status == 201
    assert listed(hub, state="IN_FORCE") == []
    assert len(listed(hub, state="LIFTED")) == 3
    # Forgotten again, suppressed again.
    gone_again = Customer.objects.live().get(external_id="Z-1")
    forget(hub, str(gone_again.id))
    assert comes(hub).status == 409


def test_nothing_is_kept_where_suppression_is_off(hub: Hub) -> None:
    set_mode(hub, "OFF")
    forgotten_customer(hub)
    assert not SuppressedValue.objects.exists()


def test_a_new_key_recognises_what_was_kept_under_the_old_one(hub: Hub, settings: Any) -> None:
    set_mode(hub, "REFUSE")
    settings.ENCRYPTION_KEYS = ["first"]
    forgotten_customer(hub)
    settings.ENCRYPTION_KEYS = ["second", "first"]
    assert comes(hub).status == 409
    forget(hub, post(hub, "yak@x.it"))
    assert len({each["keyId"] for each in listed(hub)}) == 2
    settings.ENCRYPTION_KEYS = ["second"]
    assert comes(hub).status == 201  # which is why the old key has to stay
    assert comes(hub, "yak@x.it").status == 409


def test_a_workspace_without_forgotten_people_costs_no_query(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise AssertionError("hashes were made")

    monkeypatch.setattr(suppressions, "_hashes_of", refuse)
    assert comes(hub).status == 201


def test_forgetting_is_no_change_of_the_configuration(hub: Hub) -> None:
    before = hub.admin.get(hub.configuration).headers["ETag"]
    forgotten_customer(hub)
    assert hub.admin.put(hub.configuration, {"name": "Shoes"}, If_Match=before).status == 200


def test_a_return_is_noted_with_the_write_or_not_at_all(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten_customer(hub)
    post(hub, "c@x.it")
    bea = post(hub, "bea@x.it")
    path = f"{hub.path}/customers/{bea}"
    refused = {"externalId": "Z-1", "base": {"contacts": {"email": "c@x.it"}}}
    assert hub.admin.patch(path, refused).status == 409
    assert {each["returns"] for each in listed(hub)} == {0}

    def fail(*_: Any) -> None:
        raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr("customers.actions.writes.note_return", fail)
        assert comes(hub).status == 503
        assert hub.admin.patch(path, {"externalId": "Z-1"}).status == 503
    assert not Customer.objects.live().filter(base__contacts__email="zebra@x.it").exists()
    assert hub.admin.get(path)["externalId"] is None
    assert hub.admin.patch(path, {"externalId": "Z-1"}).status == 200
    assert hub.admin.patch(path, {"externalId": "Z-1"}).status == 200
    noted = {each["kind"]: each["returns"] for each in listed(hub)}
    assert noted == {"EMAIL": 0, "KEY": 0, "EXTERNAL_ID": 1}
    register = hub.clients["DPO"].get(
        f"{hub.path}/data-protection/requests", query={"type": "RETURN"}
    )
    (entry,) = register["elements"]
    assert (entry["customerId"], entry["state"]) == (bea, "DONE")
    assert entry["receiptId"] == listed(hub)[0]["receiptId"]


@pytest.mark.parametrize("mode", ["IMPORTS", "ALLOW_WITH_CONSENT", "REFUSE", "OFF"])
def test_single_events_for_a_forgotten_external_id_wait_or_are_refused(hub: Hub, mode: str) -> None:
    forgotten_customer(hub)
    set_mode(hub, mode)

    def body(value: str, kind: str = "EXTERNAL_ID") -> dict[str, Any]:
        back = {"type": kind, "value": value, "nodeId": str(hub.node.id)}
        return {"type": "searched", "context": "WEB", "bringBackProperties": back}

    is_refused = mode in {"ALLOW_WITH_CONSENT", "REFUSE"}
    answer = hub.trusted.post(f"{hub.path}/events", body("Z-1"))
    assert answer.status == (409 if is_refused else 202)
    if is_refused:
        assert answer["errors"][0]["code"] == "forgotten"
    for other in (body("A-1"), body("Z-1", "SESSION_ID")):
        assert hub.trusted.post(f"{hub.path}/events", other).status == 202
    batch = {"events": [body("Z-1"), body("A-2")]}
    reported = hub.trusted.post(f"{hub.path}/events/batch", batch)
    assert [each["status"] for each in reported["elements"]] == [409 if is_refused else 202, 202]
    # Once somebody has the id again, their events come.
    set_mode(hub, "IMPORTS")
    back = comes(hub, email="other@x.it", externalId="Z-1")
    assert back.status == 201
    set_mode(hub, mode)
    assert hub.trusted.post(f"{hub.path}/events", body("Z-1")).status == 202
