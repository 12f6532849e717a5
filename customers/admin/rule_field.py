"""The rule builder as a form field."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from contacthub_project.admin.context import WorkspaceContext
from customers.admin.rule_options import rule_options
from customers.admin.rule_trees import UnreadableRules, query_of, read_tree, tree_of


def is_buildable(query: Any) -> bool:
    """Return whether the rule builder can show a query in its envelope, or None."""
    return query is None or tree_of(query.get("query")) is not None


class RulesWidget(forms.HiddenInput):
    """The hidden field that holds the rule builder's tree as JSON.

    With `is_counted` the builder shows how many customers of the form's node match.
    """

    is_hidden = False

    def __init__(self, office: WorkspaceContext, *, is_counted: bool) -> None:
        super().__init__()
        self.office = office
        self.is_counted = is_counted

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the field in the place of the builder; templates of widgets are elsewhere."""
        context = {
            "name": name,
            "value": value or "",
            "rule_options": rule_options(self.office.workspace_id),
            "count": self.office.url("count-customers") if self.is_counted else "",
        }
        return render_to_string("admin/customers/rules.html", context)


class RulesField(forms.CharField):
    """A query of the query language in its envelope, edited as rules; None without any rule."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)

    def prepare_value(self, value: Any) -> Any:
        """Return the builder's tree as JSON."""
        if not isinstance(value, dict):
            return value
        tree = tree_of(value.get("query"))
        return json.dumps(tree) if tree else ""

    def clean(self, value: Any) -> Any:
        """Return the query that the rules stand for; raises ValidationError."""
        try:
            query = query_of(read_tree(super().clean(value)))
        except UnreadableRules as unreadable:
            raise forms.ValidationError(str(unreadable)) from None
        return query and {"name": "", "query": query}
