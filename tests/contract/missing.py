"""Operations of the contract that are not built yet. A test fails when this table is wrong."""

MISSING = {
    ("GET", "/workspaces/{workspaceId}/customers/{customerId}/stats/event-category-distribution"),
    ("GET", "/workspaces/{workspaceId}/customers/{customerId}/stats/buying-behaviors"),
    ("GET", "/workspaces/{workspaceId}/stats"),
    ("GET", "/workspaces/{workspaceId}/stats/nodes"),
    ("GET", "/workspaces/{workspaceId}/stats/customers"),
    ("GET", "/workspaces/{workspaceId}/stats/customers/registrations"),
    ("GET", "/workspaces/{workspaceId}/stats/customers/channels"),
    ("GET", "/workspaces/{workspaceId}/stats/customers/updates"),
    ("GET", "/workspaces/{workspaceId}/stats/events/updates"),
    ("GET", "/workspaces/{workspaceId}/stats/events/types"),
    ("GET", "/workspaces/{workspaceId}/stats/events/kpi/purchases"),
    ("GET", "/workspaces/{workspaceId}/stats/events/kpi/ecommerce"),
    ("GET", "/workspaces/{workspaceId}/stats/events/kpi/web"),
}
