"""Converts the rules of the rule builder to queries of the query language, and back.

A builder's tree is a group: `{"match": "all" | "any", "rules": [...]}`. A rule is another group, or

- of a property: `{"property": path, "operator": operator, "value": text or list of texts}`;
- of behaviour: `{"event": type, "did": bool, "operator": "GTE" | "LTE" | "EQUALS", "times": n,
  "days": n or null}`, for having an event of the type so many times in the last days, or ever.

`query_of` and `tree_of` are inverse to each other for what the builder makes, `conditions_of` and
`tree_of_conditions` for rules of properties.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from django.utils.translation import gettext

from configuration.domain.vocabulary import EVENT_TYPES
from customers.admin.rule_properties import TIMES, label_of
from customers.domain.query_documents import (
    AtomicCondition,
    ConditionDocument,
    Did,
    QueryDocument,
    SimpleQuery,
)

LONGEST = 20_000
DEEPEST = 3
MOST_RULES = 40  # each is a query of its own, of which the language allows 50
MOST_DAYS = 3660
MOST_TIMES = 1_000_000
RELATIVE = re.compile(r"now-([0-9]{1,4})d")
WHOLE = re.compile(r"[0-9]{1,7}")
# Operators of the builder alone: moments so many days before now.
RELATIVE_OPERATORS = {"LAST_DAYS": "GTE", "BEFORE_LAST_DAYS": "LT"}
WITHOUT_VALUE = frozenset({"IS_NULL", "IS_NOT_NULL"})
DAYS = frozenset({*RELATIVE_OPERATORS, "BIRTHDAY_WITHIN"})

Tree = dict[str, Any]


class UnreadableRules(Exception):
    """Raised for text that is no tree of rules; the message is for people."""


def read_tree(text: str) -> Tree:
    """Return the tree in a form's text; raises UnreadableRules.

    Rules that name nothing yet are left out, and groups that hold none.
    """
    if not text.strip():
        return {"match": "all", "rules": []}
    if len(text) > LONGEST:
        raise UnreadableRules(gettext("These are too many rules."))
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableRules(gettext("The rules could not be read. Build them again.")) from None
    tree = _group(document, depth=1)
    if sum(1 for _ in _leaves(tree)) > MOST_RULES:
        raise UnreadableRules(
            gettext("There are more than {most_rules} rules. Take some away.").format(
                most_rules=MOST_RULES
            )
        )
    return tree


def query_of(tree: Tree) -> QueryDocument | None:
    """Return the query that a tree stands for, None if it holds no rule."""
    queries: list[QueryDocument | None] = [
        query_of(each) if "rules" in each else _simple(each) for each in tree["rules"]
    ]  # fmt: skip
    kept = [each for each in queries if each is not None]
    if len(kept) < 2 and not any("rules" in each for each in tree["rules"]):
        return kept[0] if kept else None
    conjunction: Literal["INTERSECT", "UNION"]
    conjunction = "INTERSECT" if tree["match"] == "all" else "UNION"
    return {"type": "combined", "conjunction": conjunction, "queries": kept}


def tree_of(query: Any) -> Tree | None:
    """Return the tree of a query; None for one that the builder cannot show."""
    rule = _rule_of(query)
    if rule is None or "rules" in rule:
        return rule
    return {"match": "all", "rules": [rule]}


def conditions_of(tree: Tree, *, most: int) -> list[ConditionDocument]:
    """Return the conditions of which a tree holds when one does, at most `most`.

    Raises UnreadableRules for rules of behaviour, which are no conditions.
    """
    if tree["match"] == "any" and len(tree["rules"]) <= most:
        return [each for rule in tree["rules"] if (each := _condition_of(rule)) is not None]
    whole = _condition_of(tree)
    return [] if whole is None else [whole]


def tree_of_conditions(conditions: Sequence[Any]) -> Tree | None:
    """Return the tree that holds when one of the conditions does; None if it cannot be shown."""
    rules = [_tree_of_condition(each) for each in conditions]
    if len(rules) == 1 and rules[0] is not None and "rules" in rules[0]:
        tree: Tree = rules[0]
    else:
        tree = {"match": "any", "rules": rules}
    try:
        return None if None in rules else read_tree(json.dumps(tree))
    except UnreadableRules:
        return None


def _condition_of(rule: Tree) -> ConditionDocument | None:
    """Return the condition of a group or rule; None for a group without any."""
    if "event" in rule:
        raise UnreadableRules(gettext("Only properties can be compared here."))
    if "rules" not in rule:
        return _comparison_condition(rule)
    conditions = [each for inner in rule["rules"] if (each := _condition_of(inner)) is not None]
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    conjunction: Literal["and", "or"] = "and" if rule["match"] == "all" else "or"
    return {"type": "composite", "conditions": conditions, "conjunction": conjunction}


def _tree_of_condition(condition: Any) -> Tree | None:
    if not isinstance(condition, dict) or condition.get("type") != "composite":
        return _comparison_of(condition)
    match = {"and": "all", "or": "any"}.get(str(condition.get("conjunction")))
    rules = [_tree_of_condition(each) for each in condition.get("conditions") or [None]]
    if match is None or None in rules:
        return None
    return {"match": match, "rules": rules}


def _group(document: Any, *, depth: int) -> Tree:
    if not isinstance(document, dict) or not isinstance(document.get("rules"), list):
        raise UnreadableRules(gettext("The rules could not be read. Build them again."))
    if depth > DEEPEST:
        raise UnreadableRules(
            gettext("Groups are nested deeper than {deepest} levels.").format(deepest=DEEPEST)
        )
    rules = []
    for each in document["rules"]:
        if isinstance(each, dict) and "rules" in each:
            group = _group(each, depth=depth + 1)
            rules += [group] if group["rules"] else []
        elif isinstance(each, dict) and each.get("event"):
            rules.append(_behaviour(each))
        elif isinstance(each, dict) and each.get("property"):
            rules.append(_comparison(each))
    return {"match": "any" if document.get("match") == "any" else "all", "rules": rules}


def _comparison(rule: Tree) -> Tree:
    path, operator, value = rule["property"], rule.get("operator"), rule.get("value", "")
    if not isinstance(path, str) or not isinstance(operator, str):
        raise UnreadableRules(gettext("The rules could not be read. Build them again."))
    label = label_of(path)
    if operator in WITHOUT_VALUE:
        return {"property": path, "operator": operator}
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str | int | float) for each in values):
        raise UnreadableRules(gettext("{label}: the value could not be read.").format(label=label))
    texts = [str(each).strip() for each in values]
    if operator in DAYS:
        days = whole_number(texts[0], most=MOST_DAYS) if len(texts) == 1 else None
        if days is None:
            raise UnreadableRules(
                gettext("{label}: say how many days, from 0 to {most_days}.").format(
                    label=label, most_days=MOST_DAYS
                )
            )
        return {"property": path, "operator": operator, "value": str(days)}
    if operator in {"IN", "NOT_IN"}:
        texts = [each for each in texts if each]
    if not texts or "" in texts or (operator == "BETWEEN" and len(texts) != 2):
        raise UnreadableRules(gettext("{label}: a value is missing.").format(label=label))
    is_list = operator in {"IN", "NOT_IN", "BETWEEN"}
    return {"property": path, "operator": operator, "value": texts if is_list else texts[0]}


def _behaviour(rule: Tree) -> Tree:
    event_type = rule["event"]
    if not isinstance(event_type, str) or event_type not in EVENT_TYPES:
        raise UnreadableRules(gettext("There is no such type of events."))
    label = gettext(EVENT_TYPES[event_type].label)
    days = rule.get("days")
    within = None if days in (None, "") else whole_number(days, most=MOST_DAYS)
    if days not in (None, "") and within is None:
        raise UnreadableRules(
            gettext("{label}: say how many days, from 0 to {most_days}.").format(
                label=label, most_days=MOST_DAYS
            )
        )
    read: Tree = {"event": event_type, "did": rule.get("did") is not False, "days": within}
    if not read["did"]:
        return read
    times = whole_number(rule.get("times", 1), most=MOST_TIMES)
    operator = rule.get("operator", "GTE")
    if times is None or operator not in dict(TIMES):
        raise UnreadableRules(
            gettext("{label}: say how many times, from 0 to {most_times}.").format(
                label=label, most_times=MOST_TIMES
            )
        )
    return read | {"operator": operator, "times": times}


def whole_number(value: Any, *, most: int) -> int | None:
    """Return a number from 0 to `most` that is given as such or as text, else None."""
    text = str(value).strip()
    if not WHOLE.fullmatch(text) or int(text) > most:
        return None
    return int(text)


def _simple(rule: Tree) -> SimpleQuery:
    if "event" in rule:
        return {"type": "simple", "did": _did(rule)}
    return {"type": "simple", "are": {"condition": _comparison_condition(rule)}}


def _comparison_condition(rule: Tree) -> AtomicCondition:
    operator: str = rule["operator"]
    value = rule.get("value")
    condition: AtomicCondition = {
        "type": "atomic",
        "attribute": rule["property"],
        "operator": RELATIVE_OPERATORS.get(operator, operator),
    }
    if operator in RELATIVE_OPERATORS:
        condition["value"] = f"now-{value}d"
    elif operator not in WITHOUT_VALUE:
        condition["value"] = value
    return condition


def _did(rule: Tree) -> Did:
    did: Did = {"event": {"name": rule["event"]}}
    if rule["days"] is not None:
        did["timeframe"] = {
            "type": "atomic", "attribute": "date", "operator": "GTE",
            "value": f"now-{rule['days']}d",
        }  # fmt: skip
    if not rule["did"]:
        did["having"] = [{"function": "COUNT", "operator": "EQUALS", "value": 0}]
    elif (rule["operator"], rule["times"]) != ("GTE", 1):
        did["having"] = [
            {"function": "COUNT", "operator": rule["operator"], "value": rule["times"]}
        ]
    return did


def _rule_of(query: Any) -> Tree | None:
    if not isinstance(query, dict):
        return None
    if query.get("type") == "combined":
        match = {"INTERSECT": "all", "UNION": "any"}.get(str(query.get("conjunction")))
        rules = [_rule_of(each) for each in query.get("queries") or [None]]
        if match is None or any(each is None for each in rules):
            return None
        return {"match": match, "rules": rules}
    if query.get("type") != "simple":
        return None
    are, did = query.get("are"), query.get("did")
    if did is None:
        return _comparison_of(are.get("condition")) if isinstance(are, dict) else None
    return _behaviour_of(did) if are is None and isinstance(did, dict) else None


def _comparison_of(condition: Any) -> Tree | None:
    if not isinstance(condition, dict) or condition.get("type") != "atomic":
        return None
    operator, value = condition.get("operator"), condition.get("value")
    rule = {"property": condition.get("attribute"), "operator": operator}
    if operator in WITHOUT_VALUE:
        return rule
    relative = RELATIVE.fullmatch(value) if isinstance(value, str) else None
    if relative:
        named = {of: name for name, of in RELATIVE_OPERATORS.items()}.get(str(operator))
        return named and rule | {"operator": named, "value": relative[1]}  # type: ignore[return-value]
    texts = [str(each) for each in value] if isinstance(value, list) else str(value)
    return rule | {"value": texts}


def _behaviour_of(did: Mapping[str, Any]) -> Tree | None:
    name = (did.get("event") or {}).get("name")
    if name not in EVENT_TYPES or did.get("condition") is not None:
        return None
    days, timeframe = None, did.get("timeframe")
    if timeframe is not None:
        relative = RELATIVE.fullmatch(str(timeframe.get("value")))
        if relative is None or timeframe.get("operator") != "GTE":
            return None
        days = int(relative[1])
    having = did.get("having") or [{"function": "COUNT", "operator": "GTE", "value": 1}]
    counts = having[0]
    if len(having) != 1 or counts.get("function") != "COUNT":
        return None
    rule: Tree = {"event": name, "did": True, "days": days}
    if (counts["operator"], counts["value"]) == ("EQUALS", 0):
        return rule | {"did": False}
    if counts["operator"] not in dict(TIMES) or not isinstance(counts["value"], int):
        return None
    return rule | {"operator": counts["operator"], "times": counts["value"]}


def _leaves(tree: Tree) -> Iterator[Tree]:
    for each in tree["rules"]:
        yield from _leaves(each) if "rules" in each else iter([each])
