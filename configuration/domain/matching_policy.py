"""Matching policies: the rules by which a node recognises a customer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from phonenumbers import SUPPORTED_REGIONS

from configuration.domain.customer_schema import SECRET, CustomerSchema
from configuration.domain.normalizers import Normalizer, normalized
from configuration.domain.placeholders import PLACEHOLDERS, is_placeholder
from contacthub_project.core.errors import FieldError, pointer

MOST_PROPERTIES = 10
MOST_RULES = 5
COUNTRIES: frozenset[str] = frozenset(SUPPORTED_REGIONS)


@dataclass(frozen=True, slots=True)
class MatchingProperty:
    """A property of a rule, and the form in which its values are compared.

    `country` (ISO 3166-1 alpha-2) is that of telephone numbers without a prefix, `gmail` whether
    dots and `+tags` of Gmail addresses are ignored.
    """

    path: str
    normalizer: Normalizer = Normalizer.TEXT
    country: str | None = None
    gmail: bool = False

    def normalized(self, value: Any) -> Any:
        """Return the compared form of a value; None when it identifies nobody."""
        return normalized(value, self.normalizer, country=self.country, gmail=self.gmail)

    def as_json(self) -> dict[str, Any]:
        """Return the property as it is stored."""
        return {
            "property": self.path,
            "normalizer": str(self.normalizer),
            "country": self.country,
            "gmail": self.gmail,
        }


@dataclass(frozen=True, slots=True)
class MatchingRule:
    """Customers whose values of all these properties are equal are one person."""

    properties: tuple[MatchingProperty, ...]

    @property
    def paths(self) -> list[str]:
        return [each.path for each in self.properties]

    @property
    def is_plain(self) -> bool:
        """Whether it is one that `{properties, caseSensitive}` can say."""
        kinds = {each.normalizer for each in self.properties}
        return len(kinds) == 1 and kinds <= {Normalizer.TEXT, Normalizer.EXACT}

    @property
    def case_sensitive(self) -> bool:
        return all(each.normalizer == Normalizer.EXACT for each in self.properties)

    def as_json(self) -> list[dict[str, Any]]:
        """Return the rule as it is stored."""
        return [each.as_json() for each in self.properties]


@dataclass(frozen=True, slots=True)
class MatchingPolicy:
    """The rules of a node, the most important first.

    `properties` and `case_sensitive` are the first rule, and the only one unless there are `rules`.
    """

    properties: tuple[str, ...]
    case_sensitive: bool
    # Folded; see `configuration.domain.placeholders`.
    placeholders: frozenset[str] = PLACEHOLDERS
    rules: tuple[MatchingRule, ...] = ()

    @property
    def stored_rules(self) -> list[list[dict[str, Any]]]:
        """The rules as they are stored."""
        return [rule.as_json() for rule in self.rules]

    @property
    def has_several_rules(self) -> bool:
        return len(self.rules) > 1

    @property
    def all_rules(self) -> tuple[MatchingRule, ...]:
        return self.rules or (plain_rule(self.properties, self.case_sensitive),)

    @property
    def identifying(self) -> tuple[str, ...]:
        """The properties of all rules."""
        return tuple(dict.fromkeys(path for rule in self.all_rules for path in rule.paths))

    def ignores_case_of(self, path: str) -> bool:
        """Return whether values of the property are compared without regard to case."""
        return any(
            each.path == path and each.normalizer in {Normalizer.TEXT, Normalizer.EMAIL}
            for rule in self.all_rules
            for each in rule.properties
        )

    def compared(self, part: MatchingProperty, value: Any) -> Any:
        """Return the compared form of a value; None when it identifies nobody."""
        return None if is_placeholder(value, self.placeholders) else part.normalized(value)

    def normalized(self, path: str, value: Any) -> Iterator[Any]:
        """Return the compared forms of a property's value, by each rule that has it."""
        for rule in self.all_rules:
            for each in rule.properties:
                if each.path == path:
                    yield self.compared(each, value)


@lru_cache(maxsize=1024)  # of each node that has no other, for each write
def plain_rule(properties: tuple[str, ...], case_sensitive: bool) -> MatchingRule:
    """Return the rule that `{properties, caseSensitive}` says."""
    normalizer = Normalizer.EXACT if case_sensitive else Normalizer.TEXT
    return MatchingRule(tuple(MatchingProperty(path, normalizer) for path in properties))


def policy_of(
    properties: Sequence[str],
    case_sensitive: bool,
    stored: Sequence[Sequence[Mapping[str, Any]]],
    placeholders: frozenset[str] = PLACEHOLDERS,
) -> MatchingPolicy:
    """Return the policy of a node; `stored` are its rules, if they are not the one plain rule."""
    rules = tuple(
        MatchingRule(
            tuple(
                MatchingProperty(
                    each["property"], Normalizer(each["normalizer"]), each["country"], each["gmail"]
                )
                for each in rule
            )
        )
        for rule in stored
    )
    return MatchingPolicy(tuple(properties), case_sensitive, placeholders, rules)


def policy_faults(policy: MatchingPolicy, schema: CustomerSchema) -> list[FieldError]:
    """Return the faults of a policy; pointers are into `{"properties": [...]}`.

    Of several rules, into `{"rules": [{"properties": [...]}]}`.
    """
    if not policy.rules:
        return _rule_faults(policy.properties, schema, pointer("properties"))
    faults = []
    for index, rule in enumerate(policy.rules):
        at = pointer("rules", index, "properties")
        faults += _rule_faults(rule.paths, schema, at)
        if rule in policy.rules[:index]:
            faults.append(FieldError(pointer("rules", index), "is there twice", "uniqueItems"))
    if len(policy.rules) > MOST_RULES:
        faults.append(FieldError("/rules", f"are more than {MOST_RULES}", "maxItems"))
    return faults


def _rule_faults(paths: Sequence[str], schema: CustomerSchema, at: str) -> list[FieldError]:
    faults = [
        FieldError(f"{at}/{index}", "must name a single value of a customer", "path")
        for index, path in enumerate(paths)
        if not schema.has_scalar(path) or path in SECRET
    ]
    if not paths:
        faults.append(FieldError(at, "must name at least one property", "minItems"))
    if len(set(paths)) < len(paths):
        faults.append(FieldError(at, "names a property twice", "uniqueItems"))
    if len(paths) > MOST_PROPERTIES:
        faults.append(FieldError(at, f"names more than {MOST_PROPERTIES} properties", "maxItems"))
    return faults
