"""Template tags for tables of the back-office."""

from __future__ import annotations

from typing import Any

from django.template import Library

register = Library()


@register.inclusion_tag("office/_table_head.html")
def table_head(*titles: str, actions: bool = False) -> dict[str, Any]:
    """Show the head of a table; with `actions` a last column holds what can be done with a row."""
    return {"titles": titles, "actions": actions}
