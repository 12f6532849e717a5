"""What the main path of a generated client needs beside its own code."""

from __future__ import annotations

import json

LOYALTY = {
    "loyalty": {
        "type": "object",
        "properties": {"points": {"type": "integer"}, "level": {"type": "string"}},
    }
}
EVENT_QUERY = json.dumps({"query": {"type": "simple", "did": {"event": {"name": "viewedPage"}}}})
