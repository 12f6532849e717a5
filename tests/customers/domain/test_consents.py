from __future__ import annotations

from typing import Any

from hypothesis import given

from configuration.domain.customer_schema import BUILT_IN
from customers.domain.consents import ConsentChange, consent_changes
from customers.domain.merge import EMPTY, for_create
from tests.strategies import documents


def test_each_changed_leaf_is_one_line() -> None:
    before = {"marketing": {"automatic": {"email": {"status": True, "limitation": False}}}}
    after = {
        "disclaimer": {"version": "2"},
        "marketing": {"automatic": {"email": {"status": False, "objection": True}}},
    }
    assert consent_changes(before, after) == [
        ConsentChange("DISCLAIMER_READ", "consents.disclaimer.version", "2"),
        ConsentChange("CONSENT_RESTRICTED", "consents.marketing.automatic.email.limitation", None),
        ConsentChange("CONSENT_OBJECTED", "consents.marketing.automatic.email.objection", "true"),
        ConsentChange("CONSENT_CHANGED", "consents.marketing.automatic.email.status", "false"),
    ]


CONSENTS = documents(BUILT_IN["$defs"]["consents"])


@given(CONSENTS, CONSENTS)
def test_replaying_the_log_gives_the_consents(first: Any, second: Any) -> None:
    before = for_create(EMPTY, {"consents": first})["consents"]
    after = for_create({**EMPTY, "consents": before}, {"consents": second})["consents"]
    state = {change.property: change.value for change in consent_changes({}, before)}
    for change in consent_changes(before, after):
        assert state.get(change.property) != change.value
        state[change.property] = change.value  # type: ignore[assignment]
    known = {name: value for name, value in state.items() if value is not None}
    assert known == {change.property: change.value for change in consent_changes({}, after)}
