"""The codes of faults, shared by JSON Schema, serializers, query parameters and domain rules.

A code is the JSON Schema keyword that a value violates, where there is one, else the name of a rule
of the product. `docs/using-the-api.md` lists them for clients; a test compares the list.
"""

from __future__ import annotations

from typing import Literal, get_args

Code = Literal[
    # keywords of JSON Schema
    "anyOf", "const", "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "maxItems",
    "maxLength", "maxLengthJoined", "maxLengthSum", "maximum", "minItems", "minLength", "minimum",
    "multipleOf", "oneOf", "pattern", "propertyNames", "required", "type", "uniqueItems",
    # rules of the product
    "aggregate", "blank", "cell", "cells", "character", "conflict", "consent", "contradicted",
    "contradiction", "depth", "digitsLost", "disabled", "entity", "exclusive", "forgotten",
    "header", "immutable", "inUse", "indexed", "internal", "json", "key", "mandatory", "name",
    "node", "number", "path", "placeholder", "provider", "query", "range", "recognised",
    "reference", "regex", "relative", "schema", "trusted", "unique", "unknown", "unstorable",
]  # fmt: skip
CODES: frozenset[str] = frozenset(get_args(Code))
