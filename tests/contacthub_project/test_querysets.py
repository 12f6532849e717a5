from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.models import Node
from contacthub_project.core.principal import Principal
from customers.models import AggregateBuild
from tests.factories import make_node, make_workspace

PERMISSIONS = st.sampled_from(["R", "W", "RW", None])


def principal(nodes: dict[uuid.UUID, str] | None, workspaces: set[uuid.UUID] | None) -> Principal:
    reached = None if workspaces is None else frozenset(workspaces)
    return Principal(roles=frozenset({"USER"}), workspaces=reached, nodes=nodes)


@given(granted=st.lists(PERMISSIONS, min_size=3, max_size=3))
def test_granted_nodes_are_those_with_the_permission(granted: list[str | None]) -> None:
    ids = [uuid.uuid4() for _ in granted]
    nodes = {node: given for node, given in zip(ids, granted, strict=True) if given}
    caller = principal(nodes, None)
    for permission in "RW":
        expected = {
            node for node, given in zip(ids, granted, strict=True) if permission in (given or "")
        }
        assert set(caller.nodes_with(permission) or []) == expected
        assert principal(None, None).nodes_with(permission) is None


@pytest.mark.django_db
def test_rows_are_those_of_nodes_that_may_be_read() -> None:
    ours, theirs = make_workspace(), make_workspace()
    nodes = [make_node(ours, name=name) for name in "abc"]
    grants = dict(zip((node.id for node in nodes), ("R", "W", "RW"), strict=True))
    for node in [*nodes, make_node(theirs)]:
        AggregateBuild.objects.create(
            node_id=node.id, workspace_id=node.workspace_id, started_at=node.created_at
        )
    narrow, wide = principal(grants, {ours.id}), principal(None, {ours.id})
    in_ours = Node.objects.in_workspace(ours.id)
    assert [node.name for node in in_ours.readable_by(narrow)] == ["a", "c"]
    assert in_ours.readable_by(wide).count() == 3
    assert in_ours.readable_by(principal({}, {ours.id})).count() == 0
    builds = AggregateBuild.objects.in_workspaces_of(narrow)
    assert {each.node_id for each in builds.readable_by(narrow)} == {nodes[0].id, nodes[2].id}
    assert AggregateBuild.objects.in_workspaces_of(wide).count() == 3
    assert AggregateBuild.objects.in_workspaces_of(principal(None, None)).count() == 4
