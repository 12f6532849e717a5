"""What was refused, in the back-office: looked at, mended and sent again."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from contacthub_project.core.merge_patch import merge_patched, patch_between
from customers.actions.refusals import recorder
from customers.models import QuarantinedRequest
from events.models import Event
from tests.back_office.office import Staff
from tests.factories import Hub

EVENT = {"type": "loggedIn", "context": "WEB", "properties": {}}
NOBODY = str(UUID(int=0))


def refused(hub: Hub, **values: Any) -> QuarantinedRequest:
    recorder.write()
    assert hub.trusted.post(f"{hub.path}/events", EVENT | values).status >= 400
    recorder.write()
    return QuarantinedRequest.objects.filter(workspace_id=hub.workspace.id).latest("refused_at")


def test_an_example_is_mended_tried_and_sent(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    example = refused(hub, customerId=NOBODY)
    staff = Staff(hub, "ADMIN")
    listed = staff.open_admin("customers_quarantinedrequest_changelist")
    assert "Refused in the last seven days" in listed
    assert "Unknown customer" in listed
    assert NOBODY in staff.open_admin("customers_quarantinedrequest_change", example.id)
    mend = "customers_quarantinedrequest_mend"
    assert NOBODY in staff.open_admin(mend, example.id)
    wrong = staff.submit_admin(mend, example.id, post="yes", body="{")
    assert 'name="body"' in wrong.html
    still = staff.submit_admin(mend, example.id, post="yes", body=json.dumps(EVENT | {"x": 1}))
    assert "is not a known property" in still
    body = json.dumps(EVENT | {"customerId": customer})
    tried = staff.submit_admin(mend, example.id, post="yes", body=body, dry_run="on")
    assert "It would be accepted" in tried
    assert customer in tried.html
    assert not Event.objects.exists()
    assert "It was accepted" in staff.submit_admin(mend, example.id, post="yes", body=body)
    assert str(Event.objects.get().customer_id) == customer


def test_several_are_sent_again(hub: Hub) -> None:
    customer = hub.post_customer(enabled=False)["id"]
    examples = [refused(hub, customerId=customer), refused(hub, customerId=NOBODY)]
    hub.trusted.patch(f"{hub.path}/customers/{customer}", {"enabled": True})
    staff = Staff(hub, "ADMIN")
    page = staff.submit_admin(
        "customers_quarantinedrequest_changelist", action="send_again",
        _selected_action=[str(each.id) for each in examples],
    )  # fmt: skip
    assert "1 accepted, 1 refused again" in page
    assert Event.objects.count() == 1


def test_others_examples_are_not_shown(hub: Hub) -> None:
    stranger = Hub()
    example = refused(stranger, customerId=NOBODY)
    staff = Staff(hub, "ADMIN")
    assert staff.open_admin("customers_quarantinedrequest_mend", example.id).status == 404
    assert str(example.id) not in staff.open_admin("customers_quarantinedrequest_changelist").html


VALUES = st.recursive(
    st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), VALUES)


@given(before=OBJECTS, after=OBJECTS)
def test_a_patch_makes_one_object_of_another(before: Any, after: Any) -> None:
    made = merge_patched(before, patch_between(before, after))
    assert json.dumps(made, sort_keys=True) == json.dumps(after, sort_keys=True)


def test_whether_refused_data_is_kept_is_set_on_the_page_of_the_workspace(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    for form, expected in (({}, False), ({"quarantine": "on"}, True)):
        page = staff.submit("workspace-settings", {"refused": "true"} | form)
        assert "What becomes of refused data is changed." in page
        assert hub.admin.get(hub.configuration)["quarantine"] is expected
