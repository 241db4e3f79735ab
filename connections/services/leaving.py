"""A member leaves a tenant: what ran on the person's own accounts stands still until somebody takes it over."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from connections.models import Account, AccountState, ConnectionDraft, Membership


@receiver(pre_delete, sender=Membership)
def let_go(instance: Membership, **kwargs: Any) -> None:
    """The access was the person's and is forgotten; an owner, or with a shared account an editor, connects it again.
    What the person had begun to set up goes, with the connections that were never started."""
    from connections.services import access, drafting  # noqa: PLC0415 - commands start without all connectors

    for draft in ConnectionDraft.objects.filter(tenant=instance.tenant_id, user=instance.user_id):
        drafting.discard(draft)
    rows = Account.objects.filter(tenant=instance.tenant_id, owner=instance.user_id)
    for account in rows:
        Account.objects.filter(pk=account.pk).update(
            owner=None, secrets=access.open_credentials(account), token_version=F("token_version") + 1
        )
        reason = f"{instance.user} has left. Whoever connects it again, with the same login, takes it over."
        waiting = Account.objects.filter(pk=account.pk).exclude(state=AccountState.PAUSED)
        waiting.update(state=AccountState.NEEDS_AUTHORISATION, reason=reason)
