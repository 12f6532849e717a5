"""Signals for the apps above. They are sent within the transaction and carry ids only."""

from django.dispatch import Signal

# A workspace defines its customers' extended properties anew: workspace_id.
customer_extended_changed = Signal()

# A node's sources have another priority: workspace_id.
source_priority_changed = Signal()

# A workspace's placeholders change: workspace_id.
placeholders_changed = Signal()

# Telephone numbers without a prefix are of another country: workspace_id.
country_changed = Signal()

# A workspace's days begin at other moments: workspace_id.
time_zone_changed = Signal()
