"""The tree of routes finds what Django finds."""

from __future__ import annotations

import re

from django.urls import Resolver404, get_resolver
from hypothesis import given, settings
from hypothesis import strategies as st

from contacthub_project.api import BASE_PATH
from contacthub_project.api.operations import contract
from contacthub_project.api.routing import resolve

SEGMENTS = sorted({segment for path in contract() for segment in path.split("/")[1:]})
TEXT = st.text("ab%é {}<>:.\n", max_size=3)


def both(path: str) -> tuple[object, object]:
    """What Django finds at a path of the API, and what the tree does."""
    try:
        match = get_resolver().resolve(BASE_PATH + path)
    except Resolver404:
        expected = None
    else:
        expected = (match.func, match.args, match.kwargs, match.view_name)
    ours = resolve(BASE_PATH + path)
    return expected, ours and (ours.func, ours.args, ours.kwargs, ours.view_name)


def test_every_path_of_the_contract_is_found() -> None:
    for template in contract():
        expected, found = both(re.sub(r"\{(\w+)\}", r"some-\1", template))
        assert found is not None, template
        assert found == expected


def test_parameters_of_one_request_are_not_those_of_another() -> None:
    first = resolve(f"{BASE_PATH}/workspaces/1/customers/2")
    second = resolve(f"{BASE_PATH}/workspaces/3/customers/4")
    assert first is not None
    assert second is not None
    assert first.kwargs == {"workspace_id": "1", "customer_id": "2"}
    assert second.kwargs == {"workspace_id": "3", "customer_id": "4"}


@settings(max_examples=300)
@given(st.data())
def test_any_path_is_found_as_django_finds_it(data: st.DataObject) -> None:
    template = data.draw(st.sampled_from(sorted(contract()))).split("/")[1:]
    segments = [
        data.draw(st.one_of(st.just(segment), st.sampled_from(SEGMENTS), TEXT))
        for segment in template
    ]
    if data.draw(st.booleans()):
        segments.append(data.draw(TEXT))
    expected, found = both("/" + "/".join(segments))
    assert found == expected


@given(TEXT)
def test_what_is_beside_the_api_is_not_found(text: str) -> None:
    expected, found = both(text)
    assert found == expected
