"""Matching policies: the properties by which a node recognises a customer."""

from __future__ import annotations

from dataclasses import dataclass

from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.placeholders import PLACEHOLDERS
from contacthub_project.core.errors import FieldError

MOST_PROPERTIES = 10


@dataclass(frozen=True, slots=True)
class MatchingPolicy:
    """Customers of a node whose values of all these properties are equal are one person."""

    properties: tuple[str, ...]
    case_sensitive: bool
    # Folded; see `configuration.domain.placeholders`.
    placeholders: frozenset[str] = PLACEHOLDERS

    def ignores_case_of(self, path: str) -> bool:
        """Return whether values of the property are compared without regard to case."""
        return not self.case_sensitive and path in self.properties


def policy_faults(policy: MatchingPolicy, schema: CustomerSchema) -> list[FieldError]:
    """Return the faults of a policy; pointers are into `{"properties": [...]}`."""
    faults = [
        FieldError(f"/properties/{index}", "must name a single value of a customer", "path")
        for index, path in enumerate(policy.properties)
        if not schema.has_scalar(path)
    ]
    if not policy.properties:
        faults.append(FieldError("/properties", "must name at least one property", "minItems"))
    if len(set(policy.properties)) < len(policy.properties):
        faults.append(FieldError("/properties", "names a property twice", "uniqueItems"))
    if len(policy.properties) > MOST_PROPERTIES:
        faults.append(
            FieldError("/properties", f"names more than {MOST_PROPERTIES} properties", "maxItems")
        )
    return faults
