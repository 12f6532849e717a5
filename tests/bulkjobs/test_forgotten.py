"""Forgetting a person while files that may name them are still to be done."""

from __future__ import annotations

import threading
import unicodedata
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from bulkjobs.actions import failures, processing
from bulkjobs.actions.processing import resume_job, stop_job
from bulkjobs.models import BulkJob, ForgottenIdentity
from configuration.domain.matching_policy import MatchingPolicy
from customers.domain.identifying_values import identities_of
from customers.models import Customer
from events.models import Event
from tests.bulkjobs.test_jobs import (
    done,
    jobs_path,
    outcomes,
    process,
    results,
    upload,
    waits_for_a_lock,
)
from tests.factories import Hub

EVENTS = {"entity": "EVENT", "eventType": "completedOrder"}


def forget(hub: Hub, customer: Any) -> None:
    path = f"{hub.path}/data-protection/customers/{customer['id']}"
    assert hub.clients["DPO"].delete(path).status == 204


def zebra(hub: Hub, **more: Any) -> Any:
    base = {"firstName": "Ann", "contacts": {"email": "zebra@x.it"}}
    return hub.post_customer(externalId="Z-1", base=base, **more)


def test_rows_of_the_person_are_left_out_and_reported(hub: Hub) -> None:
    customer = zebra(hub)
    job = upload(
        hub,
        "externalId,base.contacts.email,base.firstName\n"
        "1,Zebra@X.it,A\nZ-1,other@x.it,B\nz-1,small@x.it,C\nZ-10,xzebra@x.it,Ann\n2,,D\n Z-1 ,no-email,E\n",
    )
    forget(hub, customer)
    assert process(seconds=60)
    rows = results(hub, job)
    assert outcomes(rows) == ["forgotten", "forgotten", "created", "created", "failed", "forgotten"]
    assert all((rows[each]["id"], rows[each]["error"]) == ("", "") for each in (0, 1, 5))
    reported = hub.trusted.get(f"{jobs_path(hub)}/{job['id']}")
    assert (reported["status"], reported["processedEntities"], reported["failedEntities"]) == (
        "PROCESSED",
        6,
        1,
    )
    assert reported["filename"] == "people.csv"
    mails = {each.base["contacts"]["email"] for each in Customer.objects.live()}
    assert mails == {"small@x.it", "xzebra@x.it"}
    assert not ForgottenIdentity.objects.exists()


def test_other_contacts_are_e_mails_too(hub: Hub) -> None:
    others = [{"name": "work", "type": "EMAIL", "value": "z@work.it"}]
    customer = hub.post_customer(
        base={"contacts": {"email": "zebra@x.it", "otherContacts": others}}
    )
    job = upload(hub, "base.contacts.email\nz@work.it\na@x.it\n")
    forget(hub, customer)
    assert process(seconds=60)
    assert outcomes(results(hub, job)) == ["forgotten", "created"]


def test_nothing_else_of_the_workspace_is_touched(hub: Hub) -> None:
    customer = zebra(hub)
    file = "base.contacts.email,base.firstName\nzebra@x.it,A\n"
    here = hub.node
    hub.node = hub.other_node
    elsewhere = upload(hub, file)
    quoted = upload(hub, "zebra@x.it,Ann\n")
    hub.node = here
    BulkJob.objects.filter(id=elsewhere["id"]).update(filename="zebra@x.it.csv")
    forget(hub, customer)
    after = upload(hub, file)
    assert process(seconds=60)
    assert outcomes(results(hub, after)) == ["forgotten"], "who comes by a file does not come alone"
    hub.node = hub.other_node
    assert outcomes(results(hub, elsewhere)) == ["created"]
    reported = hub.trusted.get(f"{jobs_path(hub)}/{elsewhere['id']}")
    assert reported["filename"] == "zebra@x.it.csv"
    reported = hub.trusted.get(f"{jobs_path(hub)}/{quoted['id']}")
    assert "zebra@x.it" in reported["errorMessage"]


def test_the_report_of_a_file_without_header_no_longer_names_the_person(hub: Hub) -> None:
    customer = zebra(hub)
    headless = upload(hub, "Zebra@x.it,Anna,xzebra@x.it\n")
    assert "Zebra" in headless["errorMessage"]
    forget(hub, customer)
    reported = hub.trusted.get(f"{jobs_path(hub)}/{headless['id']}")["errorMessage"]
    assert reported == "columns are not known: (forgotten), Anna, xzebra@x.it"


def test_events_and_stopped_and_half_done_jobs(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processing, "CHUNK", 1)
    customer = zebra(hub)
    events = upload(
        hub,
        f"customerId,externalId,sessionId,context,properties.orderId\n"
        f",Z-1,,RETAIL,1\n,z-1,,RETAIL,2\n{customer['id']},,,RETAIL,3\n{customer['id']},Z-1,,RETAIL,4\n",
        "INSERT",
        **EVENTS,
    )
    people = upload(hub, "base.contacts.email\na@x.it\nzebra@x.it\nb@x.it\n")
    stop_job(BulkJob.objects.get(id=people["id"]))
    assert not process(seconds=-1)
    assert Event.objects.count() == 1
    forget(hub, customer)
    assert process(seconds=60)
    rows = results(hub, events)
    assert outcomes(rows) == ["created", "created", "failed", "forgotten"]
    assert rows[2]["column"] == "customerId"
    assert list(Event.objects.values_list("bring_back_value", flat=True)) == ["z-1"]
    resume_job(BulkJob.objects.get(id=people["id"]))
    assert process(seconds=60)
    assert outcomes(results(hub, people)) == ["created", "forgotten", "created"]
    assert not ForgottenIdentity.objects.exists()


def test_who_is_forgotten_while_their_row_is_being_applied(
    live_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chunk began before, and looks for the customer when they are as good as gone."""
    customer = zebra(live_hub)
    job = upload(live_hub, "externalId,base.contacts.email\nZ-1,zebra@x.it\n2,a@x.it\n")
    real = failures.applied
    calls: list[int] = []

    def send() -> None:
        try:
            forget(live_hub, customer)
        finally:
            connection.close()

    def applied(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            forgetting = threading.Thread(target=send)
            forgetting.start()
            forgetting.join(60)  # it does not wait for the job, whose row is locked
            assert not forgetting.is_alive()
        return real(*given)

    monkeypatch.setattr(failures, "applied", applied)
    assert processing.process(seconds=60)
    assert outcomes(results(live_hub, job)) == ["forgotten", "created"]
    assert [each.external_id for each in Customer.objects.live()] == ["2"]
    assert len(calls) == 2
    assert not waits_for_a_lock()


def test_a_deleted_customer_may_come_back(hub: Hub) -> None:
    customer = zebra(hub)
    job = upload(hub, "base.contacts.email\nzebra@x.it\n")
    assert hub.trusted.delete(f"{hub.path}/customers/{customer['id']}").status in {200, 204}
    assert process(seconds=60)
    assert outcomes(results(hub, job)) == ["created"]
    assert outcomes(done(hub, "base.contacts.email\nzebra@x.it\n")) == ["unchanged"]


WORDS = st.sampled_from([None, "", " ", "a@x", "A@X ", "b@x", "Ä@x", "A\u0308@x", "name"])


@given(one=st.tuples(WORDS, WORDS), other=st.tuples(WORDS, WORDS), sensitive=st.booleans())
def test_identities_are_shared_when_values_are_the_same(
    one: tuple[Any, Any], other: tuple[Any, Any], sensitive: bool
) -> None:
    """Against a model that compares the values themselves, of a node that knows people by e-mail."""

    def same(first: Any, second: Any, *, exact: bool) -> bool:
        if not (first or "").strip() or not (second or "").strip():
            return False
        plain = [unicodedata.normalize("NFC", each.strip()) for each in (first, second)]
        return plain[0] == plain[1] if exact else plain[0].lower() == plain[1].lower()

    policy = MatchingPolicy(("base.contacts.email",), case_sensitive=sensitive)
    documents = [
        {"externalId": external_id, "base": {"contacts": {"email": email}}}
        for external_id, email in (one, other)
    ]
    shared = identities_of(policy, documents[0]) & identities_of(policy, documents[1])
    expected = same(one[0], other[0], exact=True) or same(one[1], other[1], exact=sensitive)
    assert bool(shared) == expected
