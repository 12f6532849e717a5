"""The rules by which a node recognises people are made in a form, looked at, and saved."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from configuration.actions import rekeying
from configuration.models import StaffChange
from tests.back_office.office import Page, Staff
from tests.configuration.test_matching_rules import EMAIL, PHONE, matching_property, path_of, rule
from tests.customers.test_several_rules import RULES
from tests.factories import Hub

NAME = "base.lastName"


def form_of(*rules: list[tuple[str, str]], **more: Any) -> dict[str, Any]:
    """Return the form of rules, each of pairs of a property and a normalizer."""
    fields: dict[str, Any] = {}
    for number, rows in enumerate(rules):
        for row, (path, normalizer) in enumerate(rows):
            fields |= {f"{number}.{row}.property": path, f"{number}.{row}.normalizer": normalizer}
    return fields | more


def previewed(staff: Staff, form: dict[str, Any]) -> tuple[Page, dict[str, Any]]:
    """Return the page that says what a form would do, and the form to save it."""
    page = staff.submit("matching-rules", form | {"act": "look"}, node_id=staff.hub.node.id)
    hidden = re.findall(r'type="hidden"\s+name="(\w+)"\s+value="(.*?)"', page.html)
    known = {name: unescape(value) for name, value in hidden}
    return page, form | {"act": "save", "looked": known["looked"], "version": known["version"]}


def save(staff: Staff, form: dict[str, Any], **more: Any) -> Page:
    return staff.submit(
        "matching-rules", previewed(staff, form)[1] | more, node_id=staff.hub.node.id
    )


def stored(hub: Hub) -> Any:
    return hub.admin.get(path_of(hub)).json["rules"]


def test_rules_are_looked_at_and_saved(hub: Hub) -> None:
    hub.admin.put(hub.configuration, {"country": "IT"})
    hub.post_customer(externalId="a")
    staff = Staff(hub, "CLAB_OPERATOR")
    before = stored(hub)
    form = form_of(
        [("externalId", "EXACT")], [(EMAIL, "EMAIL")], [(PHONE, "PHONE"), (NAME, "TEXT")]
    )
    form |= {"1.0.gmail": "on", "1.0.country": "FR", "2.0.country": "DE"}
    page, saving = previewed(staff, form)
    assert "Contacts: email (as an e-mail address, ignoring dots and +tags of Gmail)" in page
    assert "1 customer gets new keys" in page
    assert stored(hub) == before, "nothing is written yet"
    page = staff.submit("matching-rules", saving, node_id=hub.node.id)
    assert "The rules are changed." in page
    assert "Contacts: mobile phone (as a telephone number, numbers without a prefix of DE)" in page
    assert stored(hub) == [
        rule(matching_property("externalId", "EXACT")),
        rule(matching_property(EMAIL, "EMAIL") | {"gmailAliases": True}),
        rule(matching_property(PHONE, "PHONE", "DE"), matching_property(NAME)),
    ]
    assert StaffChange.objects.filter(user=staff.user).count() == 1


def test_only_what_was_looked_at_is_saved(hub: Hub) -> None:
    staff = Staff(hub, "CLAB_OPERATOR")
    before = stored(hub)
    _, saving = previewed(staff, form_of([(EMAIL, "EMAIL")]))
    other = saving | {"0.0.property": "externalId", "0.0.normalizer": "EXACT"}
    assert "What this does" in staff.submit("matching-rules", other, node_id=hub.node.id)
    assert stored(hub) == before
    hub.admin.put(path_of(hub), {"rules": [rule("externalId")]})
    late = staff.submit("matching-rules", saving, node_id=hub.node.id)
    assert "Somebody else has changed it" in late
    assert stored(hub) == [rule(matching_property("externalId"))]


def test_buttons_add_move_and_remove(hub: Hub) -> None:
    staff = Staff(hub, "CLAB_OPERATOR")

    def selected_properties(form: dict[str, Any], edit: str) -> list[list[str]]:
        page = staff.submit("matching-rules", form | {"edit": edit}, node_id=hub.node.id)
        return [
            [
                (re.search(r'value="([\w.]*)"\s+selected', each) or ["", ""])[1]
                for each in re.findall(r'<select[^>]+\.property"(.*?)</select>', part, re.DOTALL)
            ]
            for part in page.html.split("<fieldset")[1:]
        ]

    two = form_of([(EMAIL, "EMAIL"), (NAME, "TEXT")], [("externalId", "EXACT")])
    assert selected_properties(two, "add-rule") == [[EMAIL, NAME], ["externalId"], [""]]
    assert selected_properties(two, "add 1") == [[EMAIL, NAME], ["externalId", ""]]
    assert selected_properties(two, "up 1") == [["externalId"], [EMAIL, NAME]]
    assert selected_properties(two, "drop 0") == [["externalId"]]
    assert selected_properties(two, "drop 0.1") == [[EMAIL], ["externalId"]]
    assert selected_properties(two, "up 99") == [[EMAIL, NAME], ["externalId"]]
    assert stored(hub) == [rule(matching_property(EMAIL))]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([[("base.tags", "TEXT")]], "Rule 1, Tags : must name a single value"),
        ([[(EMAIL, "EMAIL")], [(NAME, "TEXT"), ("no.such", "TEXT")]], "must name a single value"),
        ([[(EMAIL, "SOUNDEX")]], "Rule 1, Contacts: email"),
        ([[(EMAIL, "EMAIL")], [(EMAIL, "EMAIL")]], "is there twice"),
        ([[("", "")]], "may not be empty"),
    ],
)
def test_refusals_are_sentences_at_their_place(hub: Hub, rules: Any, message: str) -> None:
    staff = Staff(hub, "CLAB_OPERATOR")
    page = save(staff, form_of(*rules))
    assert "Nothing has been saved yet" in page
    assert message in page
    assert "/rules/" not in page
    assert stored(hub) == [rule(matching_property(EMAIL))]


def test_customers_without_the_values_stay_when_it_is_forced(hub: Hub) -> None:
    hub.post_customer()
    staff = Staff(hub, "CLAB_OPERATOR")
    form = form_of([("externalId", "EXACT")])
    assert "1 customer without a value" in save(staff, form)
    assert "The rules are changed." in save(staff, form, force="on")


def test_only_those_who_may_change_nodes_see_the_form(hub: Hub) -> None:
    assert Staff(hub, "USER").open("matching-rules", node_id=hub.node.id).status == 403
    assert "Change the rules" in Staff(hub, "CLAB_OPERATOR").open("node", node_id=hub.node.id)


def test_a_disabled_property_of_a_rule_stays_to_choose(hub: Hub) -> None:
    set_up = hub.admin.put(path_of(hub), {"rules": RULES}, query={"force": "true"})
    assert set_up.status == 200, set_up.content
    page = Staff(hub, "CLAB_OPERATOR").open("matching-rules", node_id=hub.node.id)
    assert page.html.count("<fieldset") == len(RULES)
    assert page.html.count('value="PHONE" selected') == 1


def test_progress_and_colliding_customers_are_told(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for external_id in ("same", "same", "other"):
        hub.post_customer(externalId=external_id)
    staff = Staff(hub, "CLAB_OPERATOR")
    assert "recognise people</h2>" not in staff.open("node", node_id=hub.node.id).html
    page = save(staff, form_of([("externalId", "TEXT")]))
    assert "would become one person" in page
    page = staff.open("node", node_id=hub.node.id)
    reported = page.html[page.html.index("recognise people</h2>") :]
    assert reported.count("/customers/") == 2
    monkeypatch.setattr(rekeying, "AT_ONCE", 0)
    page = save(staff, form_of([("externalId", "TEXT"), (EMAIL, "TEXT")]))
    assert "Its customers are being recognised anew." in page
    assert "0 of 3. Customers of the node cannot be written meanwhile." in page
    assert rekeying.rekey_all(seconds=60)
    page = staff.open("node", node_id=hub.node.id)
    assert "recognised by externalId, base.contacts.email since" in page
