"""How a person comes in: by an invitation, since nobody can sign up alone, and by links that staff can hand over."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from connections import languages
from connections.models import Deed, Invitation, Membership, Role, Tenant, User
from connections.services import audit

VALID_FOR = timedelta(days=14)
RANK = [Role.VIEWER, Role.EDITOR, Role.OWNER]
SILENT = ("console", "dummy", "locmem")


class NotYours(Exception):
    """The invitation is for another address than the person's; `email` is the invited one."""

    def __init__(self, email: str) -> None:
        super().__init__(gettext("This invitation is for %(invited)s.") % {"invited": email})
        self.email = email


def invite(tenant: Tenant, email: str, role: str, by: User | None) -> tuple[Invitation, str]:
    """The invitation and its link, which is shown this once. An open one for the same address is replaced."""
    invitation, token = make(tenant, email, role, by)
    return invitation, f"{settings.PUBLIC_URL}{reverse('invitation', args=[token])}"


@transaction.atomic
def make(tenant: Tenant, email: str, role: str, by: User | None) -> tuple[Invitation, str]:
    """The invitation and its token. An open one for the same address is replaced."""
    token = secrets.token_urlsafe(32)
    Invitation.objects.filter(tenant=tenant, email__iexact=email, accepted_at=None).delete()
    invitation = Invitation.objects.create(
        tenant=tenant,
        email=email.strip().lower(),
        role=role,
        digest=digest(token),
        invited_by=by,
        expires_at=timezone.now() + VALID_FOR,
    )
    audit.note(Deed.INVITED, tenant, about=invitation.email, detail=role)
    return invitation, token


def post(invitation: Invitation, link: str) -> bool:
    """Mails the link where mail is set up; tells whether it did."""
    if not mail_is_set_up():
        return False
    with languages.speaking_to(invitation.invited_by):
        about = {"tenant": invitation.tenant}
        text = gettext("%(tenant)s keeps its contacts the same in several apps with Pairwise, and invites you to join.")
        send_mail(
            gettext("You are invited to %(tenant)s on Pairwise") % about,
            f"{text % about}\n\n{link}\n\n{works_until(invitation.expires_at)}\n",
            None,
            [invitation.email],
        )
    return True


def works_until(moment: datetime) -> str:
    """The last line of a mail with a link that works once."""
    until = date_format(timezone.localtime(moment), gettext("d F Y H:i T"))
    return gettext("The link works once, until %(until)s. If you did not expect it, you need not do anything.") % {
        "until": until
    }


def open_invitation(token: str) -> Invitation | None:
    """None for every token that opens nothing: unknown, used, expired. They look the same from outside."""
    rows = Invitation.objects.select_related("tenant")
    return rows.filter(digest=digest(token), accepted_at=None, expires_at__gt=timezone.now()).first()


def accept(invitation: Invitation, user: User) -> Membership:
    """Makes the person a member; one who is a member already keeps the stronger role.

    Raises NotYours where the person's address is another one.
    """
    if user.email.lower() != invitation.email.lower():
        raise NotYours(invitation.email)
    with transaction.atomic():
        used = Invitation.objects.filter(pk=invitation.pk, accepted_at=None)
        if not used.update(accepted_at=timezone.now(), accepted_by=user):
            return Membership.objects.get(tenant=invitation.tenant, user=user)
        membership, made = Membership.objects.get_or_create(
            tenant=invitation.tenant, user=user, defaults={"role": invitation.role}
        )
        if not made and is_weaker(membership.role, invitation.role):
            membership.role = invitation.role
            membership.save(update_fields=["role"])
        audit.note(Deed.JOINED, membership.tenant_id, about=user, detail=membership.role, by=user)
    return membership


def is_weaker(role: str, other: str) -> bool:
    return RANK.index(Role(role)) < RANK.index(Role(other))


def password_link(user: User) -> str:
    """A link by which this person sets a new password, for where no mail can be sent. It works once."""
    audit.note(Deed.LINK, about=user, detail="to set a new password")
    key = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return f"{settings.PUBLIC_URL}{reverse('account_reset_password_from_key', kwargs=key)}"


def mail_is_set_up() -> bool:
    return not any(word in settings.EMAIL_BACKEND for word in SILENT)


def expects(email: str) -> bool:
    """Whether an address has a user already, and so needs to sign in and not to sign up."""
    return User.objects.filter(email__iexact=email, is_active=True).exists()


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
