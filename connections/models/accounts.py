"""Accounts: logins on apps, and what is shared by all workers that use one."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy

from connections.encryption import EncryptedField
from connections.tenancy import TenantOwned
from connectors import registry
from connectors.base import App, Field, FieldType


class AccountState(models.TextChoices):
    ACTIVE = "active", gettext_lazy("active")
    NEEDS_AUTHORISATION = "needs_auth", gettext_lazy("needs to be authorised again")
    PAUSED = "paused", gettext_lazy("paused")


class Account(TenantOwned):
    """One authorised login on an app. `token_version` grows whenever the secrets change."""

    name = models.SlugField(max_length=100)
    app = models.CharField(max_length=40)
    base_url = models.CharField("address", max_length=500, default="", blank=True, help_text="empty: the vendor's own")
    login_url = models.CharField(max_length=500, default="", blank=True, help_text="empty: the vendor's own")
    secrets = EncryptedField(default=dict, blank=True)
    token_version = models.PositiveIntegerField(default=1, editable=False)
    credentials_hash = models.CharField(max_length=64, default="", blank=True, editable=False)
    applied = models.JSONField(default=dict, blank=True, editable=False, help_text="entries of the file applied last")
    state = models.CharField(max_length=10, choices=AccountState.choices, default=AccountState.ACTIVE)
    reason = models.CharField(max_length=500, default="", blank=True)
    remote_id = models.CharField(max_length=255, default="", blank=True)
    remote_user = models.CharField(max_length=255, default="", blank=True)
    remote_name = models.CharField(max_length=255, default="", blank=True)
    client_id = models.CharField(max_length=255, default="", blank=True, help_text="the registration it came through")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="accounts")
    shared = models.BooleanField(default=True, help_text="everybody of the tenant may use it in connections")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_ok_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="account_name_once")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        if self.app not in registry.apps():
            known = ", ".join(sorted(registry.apps()))
            raise ValidationError({"app": f"There is no app {self.app!r}. Known are: {known}."})
        if self.declaration.user_supplied_url and not self.base_url:
            raise ValidationError({"base_url": f"{self.declaration.name} needs the address of the server."})

    @property
    def declaration(self) -> App:
        """What the app's room declares. Raises KeyError for an app that is no longer there."""
        return registry.app(self.app)


class DeclaredField(TenantOwned):
    """A custom field that the app has but cannot list: a person named it and its type."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="declared_fields")
    name = models.CharField(max_length=200, help_text="exactly as the app knows it")
    label = models.CharField(max_length=200, default="", blank=True)
    type = models.CharField(
        max_length=10, choices=[(kind.value, kind.value) for kind in FieldType], default=FieldType.TEXT.value
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="declared_once")]

    def __str__(self) -> str:
        return self.label or self.name

    def as_field(self) -> Field:
        return Field(key=self.name, label=str(self), type=FieldType(self.type), custom=True)


class Budget(models.Model):
    """How fast an account may be asked, for all workers: times are POSIX seconds."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="budgets")
    kind = models.CharField(max_length=10)
    closed_until = models.FloatField(default=0)
    spent_until = models.FloatField(default=0, help_text="up to when requests are already given out")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "kind"], name="budget_once")]

    def __str__(self) -> str:
        return f"{self.account} {self.kind}"
