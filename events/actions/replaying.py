"""Replays refused events."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from contacthub_project.api.renderers import json_bytes
from contacthub_project.core.principal import Principal
from contacthub_project.runtime.blocking import run_blocking
from events.actions.ingestion import GivenEvent, post_event


def replay_event(workspace: WorkspaceRules, body: dict[str, Any], by: Principal) -> UUID:
    """Return the id of the event that a body creates; raises what `post_event` raises."""
    given = GivenEvent(body, len(json_bytes(body)))
    return run_blocking(post_event(workspace, given, by=by))
