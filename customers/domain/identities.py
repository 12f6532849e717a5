"""Kinds of identities besides the matching key."""

SESSION_ID = "SESSION_ID"
EXTERNAL_ID = "EXTERNAL_ID"
