"""Operations of the contract that are not built yet. A test fails when this table is wrong."""

MISSING: set[tuple[str, str]] = set()
