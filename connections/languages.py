"""The language of people's pages and mails: as they chose, else as their browser asks. The admin stays English."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.urls import reverse
from django.utils import translation
from django.utils.formats import number_format

from connections.models import User


class LanguageMiddleware(LocaleMiddleware):
    """Stands behind the sign-in, since the choice of who is signed in comes before that of the browser."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        if request.path_info.startswith(reverse("admin:index")):
            chosen = settings.LANGUAGE_CODE
        else:
            chosen = request.user.language if isinstance(request.user, User) else ""
        if is_offered(chosen):
            translation.activate(chosen)
            request.LANGUAGE_CODE = chosen


def is_offered(language: str) -> bool:
    return language in dict(settings.LANGUAGES)


def speaking_to(user: User | None) -> AbstractContextManager[None]:
    """What is said inside is in the language that this person chose; else in the active one, of whoever is at work."""
    chosen = user.language if user is not None else ""
    return translation.override(chosen) if is_offered(chosen) else nullcontext()


def stored() -> AbstractContextManager[None]:
    """What is put together inside is kept, and so in the language of the installation."""
    return translation.override(settings.LANGUAGE_CODE)


def choose(user: User, language: str) -> None:
    if is_offered(language) and language != user.language:
        user.language = language
        User.objects.filter(pk=user.pk).update(language=language)


@receiver(user_logged_in)
def keep_earlier_choice(request: HttpRequest | None, user: User, **kwargs: object) -> None:
    """What somebody chose before signing in, in this browser, counts for their mails as well."""
    if request is not None and not user.language:
        choose(user, request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""))


def number(count: int) -> str:
    """With its thousands set apart."""
    return number_format(count, use_l10n=True, force_grouping=True)
