"""Moments in the other format: at the places that the schema names, and nowhere else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.domain.customer_schema import MOMENT, CustomerSchema
from configuration.domain.extended_properties import all_enabled
from contacthub_project.api.renderers import JsonResponse, json_bytes, json_bytes_in
from contacthub_project.core import date_format
from contacthub_project.core.date_format import DateFormat, with_date_format
from contacthub_project.core.timestamps import EPOCH, parse_timestamp
from customers.domain.merge import EMPTY, for_create
from tests.client import ApiClient
from tests.contract.test_operations import BUILT, client_of, filled, name
from tests.factories import Hub
from tests.strategies import bodies

LOOKS_LIKE_A_MOMENT = "1999-09-09T09:09:09.009Z"
OFFSET = DateFormat.OFFSET


def defined(kind: dict[str, Any], *, enabled: bool = True) -> dict[str, Any]:
    return {"enabled": enabled, "indexed": False} | kind


MOMENT_TYPE = {"type": "string", "format": "date-time"}
EXTENDED = {
    "a": defined(MOMENT_TYPE),
    "b": defined({"type": "array", "items": MOMENT_TYPE}),
    "c": defined(
        {"type": "object", "properties": {
            "at": defined(MOMENT_TYPE, enabled=False), "note": defined({"type": "string"}),
        }},
        enabled=False,
    ),
    "d": defined({"type": "string"}),
}  # fmt: skip
SCHEMA = CustomerSchema((), all_enabled(EXTENDED))
MOMENTS = st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='milliseconds')}Z")
FREE_TEXT = st.one_of(st.just(LOOKS_LIKE_A_MOMENT), MOMENTS, st.text(max_size=5))


def known(body: dict[str, Any]) -> dict[str, Any]:
    """A customer's properties as they are kept and answered."""
    kept = for_create(EMPTY, SCHEMA.canonical(body))
    return kept | {"base": SCHEMA.complete_base(kept["base"])}


def with_numeric_offsets(value: Any, path: str = "") -> Any:
    """By the kinds of paths, a table that is made without looking for moments: the value as it
    should be in the other format."""
    if isinstance(value, dict):
        return {
            key: with_numeric_offsets(child, f"{path}.{key}".strip("."))
            for key, child in value.items()
        }
    if isinstance(value, list):
        return [with_numeric_offsets(child, path) for child in value]
    kind = SCHEMA.kind_of(path) or ""
    if not isinstance(value, str) or kind.removeprefix("list of ") != MOMENT:
        return value
    return value[:-1] + "+0000"


@given(
    body=bodies(), text=FREE_TEXT,
    extended=st.fixed_dictionaries(
        {}, optional={
            "a": st.one_of(MOMENTS, st.none()), "b": st.lists(MOMENTS, max_size=3), "d": FREE_TEXT,
            "c": st.fixed_dictionaries({}, optional={"at": MOMENTS, "note": FREE_TEXT}),
        },
    ),
)  # fmt: skip
def test_only_moments_are_written_otherwise(
    body: dict[str, Any], text: str, extended: dict[str, Any]
) -> None:
    base = (body.get("base") or {}) | {"firstName": text, "credential": {"username": text}}
    customer = known(body | {"base": base, "extended": extended, "extra": text})
    before = orjson.dumps(customer)
    other = with_date_format(customer, SCHEMA.timestamps, OFFSET)
    assert other == with_numeric_offsets(customer)
    assert orjson.dumps(customer) == before, "the document itself stays"
    assert with_date_format(other, SCHEMA.timestamps, OFFSET) == other
    assert SCHEMA.canonical(other)["base"] == SCHEMA.canonical(customer)["base"]
    assert SCHEMA.canonical(other)["extended"] == SCHEMA.canonical(customer)["extended"]


POSITIONS = st.recursive(
    st.sampled_from([None, True]),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from("abc"), inner), st.tuples(inner),
        inner.map(lambda where: lambda value: where),
    ),
    max_leaves=6,
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(FREE_TEXT, st.integers(), st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner)
    ),
    max_leaves=8,
)


@given(value=VALUES, where=POSITIONS)
def test_what_does_not_fit_the_positions_stays(value: Any, where: Any) -> None:
    """Values of another shape than the schema of today, as older definitions left them."""
    other = with_date_format(value, where, OFFSET)

    def same(one: Any, two: Any) -> bool:
        if isinstance(one, dict):
            return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
        if isinstance(one, list):
            return len(one) == len(two) and all(map(same, one, two))
        if one == two:
            return type(one) is type(two)
        return two == one[:-1] + "+0000" and parse_timestamp(one) == parse_timestamp(two)

    assert same(value, other)


def test_the_usual_format_walks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("nothing is to be rewritten")

    monkeypatch.setattr(date_format, "_with_offsets", refuse)
    document = {"at": LOOKS_LIKE_A_MOMENT}
    assert with_date_format(document, refuse, DateFormat.ZULU) is document
    assert json_bytes_in(document, refuse, DateFormat.ZULU) == json_bytes(document)


def test_date_times_are_moments_wherever_they_stand() -> None:
    response = JsonResponse({"any": [EPOCH], "text": LOOKS_LIKE_A_MOMENT})
    assert response.content == (
        b'{"any":["1970-01-01T00:00:00.000Z"],"text":"1999-09-09T09:09:09.009Z"}'
    )
    response.write_moments(None, OFFSET)
    assert response.content == (
        b'{"any":["1970-01-01T00:00:00.000+0000"],"text":"1999-09-09T09:09:09.009Z"}'
    )
    assert response["Content-Length"] == str(len(response.content))


WRONG = ["+00:00", "z", "Z, +0000", "+0000,Z", "ISO", "0000", "\xff", "+0000\t1", "Z" * 5000]


@pytest.mark.parametrize("value", WRONG)
def test_another_format_is_refused(hub: Hub, value: str) -> None:
    answer = hub.trusted.get(f"{hub.path}/updates/last-offset", X_Date_Format=value)
    assert (answer.status, answer.paths) == (400, {"/X-Date-Format"})
    assert answer["errors"][0]["message"] == "must be Z or +0000"
    assert hub.trusted.post(f"{hub.path}/customers", {}, X_Date_Format=value).paths == {
        "/X-Date-Format"
    }
    # Who may not ask at all is told this first.
    assert ApiClient().get(f"{hub.path}/customers", X_Date_Format=value).status == 401
    assert hub.clients["DPO"].get(f"{hub.path}/customers", X_Date_Format=value).status == 403


@pytest.mark.parametrize("value", ["Z", "+0000", " +0000 ", ""])
def test_the_formats_there_are(hub: Hub, value: str) -> None:
    answer = hub.operator.get(f"{hub.configuration}/users", X_Date_Format=value)
    moment = answer["elements"][0]["registeredAt"]
    assert moment.endswith("+0000" if "+" in value else "Z")
    assert answer.headers["Content-Length"] == str(len(answer.content))


@pytest.mark.parametrize("operation", BUILT, ids=name)
def test_every_operation_looks_at_the_header(hub: Hub, operation: Any) -> None:
    client = ApiClient() if operation.is_public else client_of(hub, operation)
    path = filled(operation.path, workspaceId=hub.workspace.id)
    answer = client.request(operation.method, path, X_Date_Format="RFC 850")
    assert (answer.status, answer.paths) == (400, {"/X-Date-Format"})


def test_browsers_may_send_it(hub: Hub) -> None:
    answer = ApiClient().request(
        "OPTIONS", f"{hub.path}/customers", Origin="https://shop.example",
        Access_Control_Request_Method="GET", Access_Control_Request_Headers="x-date-format",
    )  # fmt: skip
    assert "x-date-format" in answer.headers["access-control-allow-headers"]
