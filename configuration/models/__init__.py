from configuration.models.api_client import ApiClient, ApiClientAnswers
from configuration.models.event_type import EventTypeSettings
from configuration.models.idempotency import IdempotencyKey
from configuration.models.node import Node, NodeState, NodeType
from configuration.models.rekeying import Rekeying, RekeyingState
from configuration.models.send_source import SendSource, SendUserDatabase
from configuration.models.source import Source, SourceNode, SourceProvider
from configuration.models.staff_change import StaffChange
from configuration.models.user import Membership, NodeGrant, NodePermission, Role, User
from configuration.models.user_session import UserSession
from configuration.models.workspace import Suppression, Workspace, WorkspaceStatus

__all__ = [
    "ApiClient",
    "ApiClientAnswers",
    "EventTypeSettings",
    "IdempotencyKey",
    "Membership",
    "Node",
    "NodeGrant",
    "NodePermission",
    "NodeState",
    "NodeType",
    "Rekeying",
    "RekeyingState",
    "Role",
    "SendSource",
    "SendUserDatabase",
    "Source",
    "SourceNode",
    "SourceProvider",
    "StaffChange",
    "Suppression",
    "User",
    "UserSession",
    "Workspace",
    "WorkspaceStatus",
]
