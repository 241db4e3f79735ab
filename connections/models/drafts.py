"""A connection that somebody is setting up, step by step, and may leave and come back to."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext

from connections.tenancy import TenantOwned


class ConnectionDraft(TenantOwned):
    """What was chosen so far. It belongs to who began it; its id is in the address, so that two tabs do not mix.

    `choices` holds the answers of the later steps by name; a name that is missing was not answered yet. `connections`:
    ids of what was made from it, which stands still until it is started; `planned`: for each of them, as text, the
    newest run from before its plan was asked for."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="drafts")
    app_a = models.CharField(max_length=40)
    app_b = models.CharField(max_length=40)
    account_a = models.ForeignKey("connections.Account", models.SET_NULL, null=True, blank=True, related_name="+")
    account_b = models.ForeignKey("connections.Account", models.SET_NULL, null=True, blank=True, related_name="+")
    folders_a = models.JSONField(default=list, blank=True)
    folders_b = models.JSONField(default=list, blank=True)
    choices = models.JSONField(default=dict, blank=True)
    connections = models.JSONField(default=list, blank=True)
    planned = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return gettext("%(app)s and %(other)s") % {"app": self.app_a, "other": self.app_b}
