"""How this installation is known to the vendors."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator
from django.db import models
from django.utils import timezone

from connections.encryption import EncryptedField
from connectors import registry
from connectors.oauth import OAuth

SECRET = "client_secret"  # noqa: S105 - its name among the secrets
_address = URLValidator(schemes=["http", "https"])


class AppRegistration(models.Model):
    """The installation's registration at an app's vendor, for all tenants, or a tenant's own, which then counts."""

    app = models.CharField(max_length=40)
    tenant = models.ForeignKey(
        "connections.Tenant",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="registrations",
        help_text="empty: for all tenants that have none of their own",
    )
    client_id = models.CharField("client id", max_length=255)
    secrets = EncryptedField(default=dict, blank=True)
    secret_expires_on = models.DateField(
        "secret expires on", null=True, blank=True, help_text="as the vendor shows it; you are reminded in time"
    )
    account_types = models.CharField(
        max_length=100,
        default="",
        blank=True,
        validators=[RegexValidator(r"^[A-Za-z0-9.-]*$", "Letters, digits, dots and hyphens only.")],
    )
    scopes = models.JSONField("further permissions", default=list, blank=True)
    base_url = models.CharField(
        "address of the API", max_length=500, default="", blank=True, validators=[_address],
        help_text="empty: the vendor's own; another one for a national cloud",
    )  # fmt: skip
    login_url = models.CharField(
        "address to sign in at", max_length=500, default="", blank=True, validators=[_address],
        help_text="empty: the vendor's own",
    )  # fmt: skip
    credentials_hash = models.CharField(max_length=64, default="", blank=True, editable=False)
    applied = models.JSONField(default=dict, blank=True, editable=False, help_text="entries of the file applied last")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "app registration"
        constraints = [
            models.UniqueConstraint(
                fields=["app", "tenant"],
                name="registration_once_per_tenant",
                violation_error_message="This tenant has a registration for this app already.",
            ),
            models.UniqueConstraint(
                fields=["app"],
                condition=models.Q(tenant=None),
                name="registration_once_for_all",
                violation_error_message="There is a registration for all tenants already.",
            ),
        ]

    def __str__(self) -> str:
        known = registry.apps().get(self.app)
        return f"{known.name if known else self.app} for {self.tenant or 'all tenants'}"

    def clean(self) -> None:
        super().clean()
        oauth = self.oauth
        if oauth is None:
            raise ValidationError(f"The app {self.app!r} needs no registration.")
        unknown = sorted(set(self.scopes) - {scope.name for scope in oauth.optional})
        if unknown:
            raise ValidationError({"scopes": f"{oauth.vendor} has no optional permission {', '.join(unknown)}."})
        if self.account_types and not oauth.account_types:
            raise ValidationError({"account_types": f"{oauth.vendor} knows no types of accounts."})

    @property
    def oauth(self) -> OAuth | None:
        app = registry.apps().get(self.app)
        return app.oauth if app else None
