from connections.models import lookups  # noqa: F401 - registers what queries may use
from connections.models.accounts import Account, AccountState, Budget, DeclaredField
from connections.models.audit import AuditEntry, Deed
from connections.models.changes import PLANNED, Change, ChangeKind, ChangeSort, ChangeState, Run, RunKind, RunState
from connections.models.connections import (
    ConflictPolicy,
    Connection,
    DeletedConnection,
    DeletionPolicy,
    DirectionChoice,
    SideChoice,
)
from connections.models.drafts import ConnectionDraft
from connections.models.folders import Departed, DroppedKey, Folder, Item, ItemKey, Label, Seen
from connections.models.forgetting import Forgetting, ForgottenKey
from connections.models.handling import Handling
from connections.models.leases import Lease
from connections.models.news import Subscription, ToldRecord
from connections.models.notifications import (
    Cause,
    Notification,
    NotificationChoice,
    NotificationState,
    OutgoingWebhook,
)
from connections.models.pairs import Decision, Health, Pair, Verdict
from connections.models.registrations import AppRegistration
from connections.models.requests import ConnectRequest
from connections.models.stops import Stop, stopped
from connections.models.tenants import Invitation, Membership, Role, Tenant, User
from connections.models.versions import ConfigurationVersion, Template

__all__ = [
    "PLANNED",
    "Account",
    "AccountState",
    "AppRegistration",
    "AuditEntry",
    "Budget",
    "Cause",
    "Change",
    "ChangeKind",
    "ChangeSort",
    "ChangeState",
    "ConfigurationVersion",
    "ConflictPolicy",
    "ConnectRequest",
    "Connection",
    "ConnectionDraft",
    "Decision",
    "DeclaredField",
    "Deed",
    "DeletedConnection",
    "DeletionPolicy",
    "Departed",
    "DroppedKey",
    "DirectionChoice",
    "Folder",
    "Forgetting",
    "ForgottenKey",
    "Handling",
    "Health",
    "Invitation",
    "Item",
    "ItemKey",
    "Label",
    "Lease",
    "Membership",
    "Notification",
    "NotificationChoice",
    "NotificationState",
    "OutgoingWebhook",
    "Pair",
    "Role",
    "Run",
    "RunKind",
    "RunState",
    "Seen",
    "SideChoice",
    "Stop",
    "Subscription",
    "Template",
    "Tenant",
    "ToldRecord",
    "User",
    "Verdict",
    "stopped",
]
