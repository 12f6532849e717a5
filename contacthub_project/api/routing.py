"""Routes of the API, found in a tree of path segments.

Django tries its patterns one after the other: to find one of the last costs as much as the rest of
a request. The patterns and what they match are Django's.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from django.urls import ResolverMatch, URLResolver, get_resolver

from contacthub_project.api import BASE_PATH

ROOT = BASE_PATH.lstrip("/") + "/"
PARAMETER = "<str:"


class _Route(NamedTuple):
    """A route as Django describes it, and the positions of its parameters among the segments."""

    match: ResolverMatch
    places: dict[str, int]


class _Node:
    """A node of the tree: the fixed segments that may follow, and a parameter segment."""

    def __init__(self) -> None:
        self.fixed: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.route: _Route | None = None

    def find(self, segments: list[str], at: int = 0) -> _Route | None:
        """Return the route of the segments from `at` on."""
        if at == len(segments):
            return self.route
        segment = segments[at]
        following = self.fixed.get(segment)
        found = None if following is None else following.find(segments, at + 1)
        if found is None and self.any is not None and segment:
            found = self.any.find(segments, at + 1)
        return found

    def add(self, segments: list[str], route: _Route) -> None:
        """Add a route for the segments, unless an earlier one has them."""
        node = self
        for segment in segments:
            if segment.startswith(PARAMETER):
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.fixed.setdefault(segment, _Node())
        node.route = node.route or route


def resolve(path: str) -> ResolverMatch | None:
    """Return the route of a path of the API, None if there is none."""
    segments = path.removeprefix(BASE_PATH + "/").split("/")
    route = _tree(get_resolver()).find(segments)
    if route is None:
        return None
    parameters = {name: segments[at] for name, at in route.places.items()}
    # A copy: ResolverMatch.__init__ describes the view anew, which its match has done.
    match = ResolverMatch.__new__(ResolverMatch)
    match.__dict__.update(route.match.__dict__, kwargs=parameters, captured_kwargs=parameters)
    return match


@cache
def _tree(resolver: URLResolver) -> _Node:
    tree = _Node()
    for included in resolver.url_patterns:
        if isinstance(included, URLResolver) and str(included.pattern) == ROOT:
            for pattern in included.url_patterns:
                _add(tree, str(pattern.pattern), resolver)
    return tree


def _add(tree: _Node, pattern: str, resolver: URLResolver) -> None:
    segments = pattern.split("/")
    names = {
        segment.removeprefix(PARAMETER).removesuffix(">"): at
        for at, segment in enumerate(segments)
        if segment.startswith(PARAMETER)
    }
    example = "/".join("0" if segment.startswith(PARAMETER) else segment for segment in segments)
    tree.add(segments, _Route(resolver.resolve(f"/{ROOT}{example}"), names))
