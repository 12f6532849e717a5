from __future__ import annotations

from segments.admin.segment import SegmentAdmin

__all__ = ["SegmentAdmin"]
