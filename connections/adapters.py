"""What allauth asks us."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext

from connections import encryption
from connections.models import Invitation
from connections.services import inviting

INVITATION = "invitation"  # in the session of a visitor who opened one: its token


class InvitedOnlyAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody signs up alone; who opened an invitation does so with the address that it was sent to."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return invited(request) is not None

    def clean_email(self, email: str) -> str:
        invitation = invited(self.request)
        if invitation and email.lower() != invitation.email:
            raise ValidationError(
                gettext("This invitation is for %(person)s. Ask for one for the other address.")
                % {"person": invitation.email}
            )
        return str(super().clean_email(email))

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        invitation = invited(request)
        if invitation:  # the link came to that address, so the address is theirs
            self.stash_verified_email(request, invitation.email)
        return super().save_user(request, user, form, commit)


class KnownOrInvitedAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """A provider signs in whom we know by an address that it vouches for; anybody else needs an invitation for it."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        invitation = invited(request)
        return invitation is not None and str(sociallogin.user.email).lower() == invitation.email

    def is_email_verified(self, provider: Any, email: str) -> bool:
        invitation = invited(self.request)
        if invitation and email.lower() == invitation.email:  # the link came to that address
            return not inviting.expects(email)
        return bool(super().is_email_verified(provider, email))


class EncryptingMFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Second factors are stored like every other secret; left alone, allauth keeps them in clear text."""

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return encryption.decrypt(encrypted_text)


def invited(request: HttpRequest) -> Invitation | None:
    token = request.session.get(INVITATION) if request is not None else None
    return inviting.open_invitation(token) if token else None
