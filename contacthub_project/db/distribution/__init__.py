"""Distribution of the database by workspace, with Citus (docs/production.md)."""
