"""Who uses Pairwise: people, the organisations they work for, and what they may do there."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy

from connections.encryption import EncryptedField


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        if not email:
            raise ValueError("A user needs an email address.")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Made on a shell, by somebody who vouches for the address; a first person has nobody to mail a code to."""
        from allauth.account.models import EmailAddress  # noqa: PLC0415 - it needs the user model to be there

        user = self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})
        EmailAddress.objects.using(self._db).create(user=user, email=user.email, verified=True, primary=True)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username or "")


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField("email address", unique=True)
    name = models.CharField(max_length=150, default="", blank=True)
    is_staff = models.BooleanField("staff", default=False, help_text="may open the admin")
    is_active = models.BooleanField("active", default=True)
    language = models.CharField(
        max_length=10, default="", blank=True, editable=False, help_text="of pages and mails, as the person chose it"
    )
    joined_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"), name="email_once", violation_error_message="This address is taken."
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def get_short_name(self) -> str:
        return self.name or self.email

    get_full_name = get_short_name


class Tenant(models.Model):
    """An organisation. Everything of it carries its tenant."""

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    region = models.CharField(
        max_length=2,
        default="",
        blank=True,
        validators=[RegexValidator(r"^[A-Z]{2}$", "Two capital letters, for example BE.")],
        help_text="default region for phone numbers, ISO 3166, for example BE",
    )
    second_factor = models.BooleanField(
        default=False, help_text="members need a second factor besides their password, as staff always do"
    )
    history_days = models.PositiveSmallIntegerField(
        "history",
        default=365,
        help_text="days for which changes and runs are kept, and can be taken back; 0 keeps them for ever",
    )
    forget_key = EncryptedField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    applied = models.JSONField(default=dict, blank=True, editable=False, help_text="entries of the file applied last")

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    OWNER = "owner", gettext_lazy("owner")
    EDITOR = "editor", gettext_lazy("editor")
    VIEWER = "viewer", gettext_lazy("viewer")


class Membership(models.Model):
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=6, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="member_once")]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


class Invitation(models.Model):
    """A link by which one person joins a tenant, once. The link itself is not stored."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=6, choices=Role.choices, default=Role.VIEWER)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    def __str__(self) -> str:
        return f"{self.email} as {self.get_role_display()}"

    @property
    def state(self) -> str:
        if self.accepted_at:
            return "accepted"
        return "expired" if self.expires_at <= timezone.now() else "open"
