"""Links by which staff ask somebody to connect an account."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext

from connections.models.accounts import Account
from connections.models.tenants import Role, User
from connections.tenancy import TenantOwned
from connectors import registry


class ConnectRequest(TenantOwned):
    """A link by which one person connects one account of an app, once: a new one, or `account` again. The link itself
    is not stored. `made`: the account that came of it."""

    app = models.CharField(max_length=40)
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="requests")
    email = models.EmailField()
    role = models.CharField(max_length=6, choices=Role.choices, default=Role.EDITOR)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    made = models.ForeignKey(Account, models.SET_NULL, null=True, blank=True, related_name="+")

    def __str__(self) -> str:
        return f"{self.email}: {self.what}"

    @property
    def what(self) -> str:
        """What is to be connected, for people."""
        if self.account:
            return gettext("%(account)s again") % {"account": self.account.remote_name or self.account.name}
        known = registry.apps().get(self.app)
        return known.name if known else self.app

    @property
    def state(self) -> str:
        if self.done_at:
            return "connected"
        if self.expires_at <= timezone.now():
            return "expired"
        return "opened" if self.opened_at else "sent"
