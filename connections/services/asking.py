"""Asking somebody to connect an account: a link that brings them in, signs them up if need be, and leads to the app."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from connections import languages
from connections.models import Account, ConnectRequest, Deed, Invitation, Membership, Role, Tenant, User
from connections.services import audit, inviting
from connectors.base import App

VALID_FOR = timedelta(days=7)


def ask(
    tenant: Tenant, app: App, email: str, by: User | None, account: Account | None = None
) -> tuple[ConnectRequest, str]:
    """The request and its link, which is shown this once. An open one for the same is replaced."""
    token = secrets.token_urlsafe(32)
    email = email.strip().lower()
    own = account is not None and account.owner is not None and account.owner.email.lower() == email
    ConnectRequest.objects.filter(tenant=tenant, app=app.key, account=account, email=email, done_at=None).delete()
    request = ConnectRequest.objects.create(
        tenant=tenant,
        app=app.key,
        account=account,
        email=email,
        role=Role.VIEWER if own else Role.EDITOR,  # whoever adds an account or takes one over is an editor
        digest=inviting.digest(token),
        asked_by=by,
        expires_at=timezone.now() + VALID_FOR,
    )
    with languages.stored():
        audit.note(Deed.LINK, tenant, about=email, detail=f"to connect {request.what}")
    return request, f"{settings.PUBLIC_URL}{reverse('connect-request', args=[token])}"


def post(request: ConnectRequest, link: str) -> bool:
    """Mails the link where mail is set up; tells whether it did."""
    if not inviting.mail_is_set_up():
        return False
    with languages.speaking_to(request.asked_by):
        about = {"tenant": request.tenant, "what": request.what}
        text = gettext(
            "%(tenant)s keeps its contacts the same in several apps with Pairwise, and asks you to connect %(what)s. "
            "The page behind the link says what for, and which permissions are asked."
        )
        send_mail(
            " ".join((gettext("Please connect %(what)s for %(tenant)s") % about).split()),
            f"{text % about}\n\n{link}\n\n{inviting.works_until(request.expires_at)}\n",
            None,
            [request.email],
        )
    return True


def open_request(token: str) -> ConnectRequest | None:
    """None for every token that opens nothing: unknown, used, expired. They look the same from outside."""
    rows = ConnectRequest.objects.select_related("tenant", "account")
    return rows.filter(digest=inviting.digest(token), done_at=None, expires_at__gt=timezone.now()).first()


def invitation_for(request: ConnectRequest) -> str:
    """The token of an invitation for somebody who has no sign-in yet: the link came to that address."""
    return _invitation(request)[1]


def _invitation(request: ConnectRequest) -> tuple[Invitation, str]:
    """It replaces one that is open, and promises no less."""
    rows = Invitation.objects.filter(tenant=request.tenant, email=request.email, accepted_at=None)
    before = rows.filter(expires_at__gt=timezone.now()).first()
    role = before.role if before is not None and inviting.is_weaker(request.role, before.role) else request.role
    return inviting.make(request.tenant, request.email, role, request.asked_by)


def admit(request: ConnectRequest, user: User) -> None:
    """Makes the person a member who may connect what is asked for. Raises NotYours for another address."""
    if user.email.lower() != request.email:
        raise inviting.NotYours(request.email)
    membership = Membership.objects.filter(tenant=request.tenant, user=user).first()
    if membership is None or inviting.is_weaker(membership.role, request.role):
        invitation, _ = _invitation(request)
        inviting.accept(invitation, user)
    ConnectRequest.objects.filter(pk=request.pk, opened_at=None).update(opened_at=timezone.now())


def fulfil(user: User, account: Account) -> None:
    """What this person was asked for is done."""
    now = timezone.now()
    rows = ConnectRequest.objects.filter(
        Q(account=None) | Q(account=account),
        tenant=account.tenant_id,
        app=account.app,
        email__iexact=user.email,
        done_at=None,
        expires_at__gt=now,
    )
    rows.update(done_at=now, made=account)
