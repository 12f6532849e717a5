"""Kinds of identity besides the key that customers are recognised by."""

SESSION_ID = "SESSION_ID"
EXTERNAL_ID = "EXTERNAL_ID"
