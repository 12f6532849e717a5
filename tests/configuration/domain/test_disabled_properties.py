from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from configuration.domain.disabled_properties import (
    EACH,
    disabled_tree,
    with_disabled_of,
    without_disabled,
)

NAMES = ("a", "b", "c")
PATHS = st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(tuple), max_size=4)


def objects(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    value = st.integers(0, 3)
    child = value if depth == 0 else st.one_of(value, objects(depth - 1))
    return st.dictionaries(st.sampled_from(NAMES), child, max_size=3)


DOCUMENTS = objects(2)


def leaves(value: Any, at: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """A document as its single values by their paths: objects without any are not told."""
    if not isinstance(value, dict):
        return {at: value}
    return {
        path: leaf for name, child in value.items() for path, leaf in leaves(child, (*at, name)).items()
    }  # fmt: skip


def is_disabled(path: tuple[str, ...], paths: list[tuple[str, ...]]) -> bool:
    return any(path[: len(disabled)] == disabled for disabled in paths)


@given(PATHS, DOCUMENTS)
def test_disabled_values_go_and_all_others_stay(paths: Any, document: dict[str, Any]) -> None:
    before = copy.deepcopy(document)
    kept = without_disabled(disabled_tree(paths), document)
    assert document == before, "the document itself is left alone"
    assert leaves(kept) == {
        path: leaf for path, leaf in leaves(document).items() if not is_disabled(path, paths)
    }


@given(PATHS, DOCUMENTS, DOCUMENTS)
def test_a_change_leaves_disabled_values_as_they_were(
    paths: Any, before: dict[str, Any], changed: dict[str, Any]
) -> None:
    tree = disabled_tree(paths)
    visible = without_disabled(tree, changed)
    after = leaves(with_disabled_of(tree, before, visible))
    expected = leaves(visible)
    hidden = {path: leaf for path, leaf in leaves(before).items() if is_disabled(path, paths)}
    # Where an object became a single value there is no place for what it held.
    fitting = {
        path: leaf
        for path, leaf in hidden.items()
        if not any(path[:length] in expected for length in range(1, len(path)))
    }
    assert after == expected | fitting


def test_without_disabled_properties_nothing_is_copied() -> None:
    document = {"base": {"firstName": "Ada"}}
    assert without_disabled(disabled_tree([("extended", "x")]), document) is document


def test_lists_of_objects() -> None:
    tree = disabled_tree(
        [("products", EACH, "extended", "x"), ("products", EACH, "extended", "y", "z")]
    )
    products = [{"id": "1", "extended": {"x": 1, "w": 2}}, {"id": "2", "extended": {"x": 3}}, 7]
    document = {"products": products, "other": 1}
    visible = without_disabled(tree, document)
    assert visible == {"products": [{"id": "1", "extended": {"w": 2}}, {"id": "2"}, 7], "other": 1}
    assert with_disabled_of(tree, document, visible) == document
    swapped = {"products": list(reversed(visible["products"][:2]))}
    assert with_disabled_of(tree, document, swapped) == swapped, "other elements at these places"
    for odd in (None, 5, "x", {"a": 1}):
        assert without_disabled(tree, {"products": odd}) == {"products": odd}
