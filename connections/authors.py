"""Who is at work: the person who signed in, or a command on a shell."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

SHELL = "a command"
_author: ContextVar[str] = ContextVar("author", default=SHELL)


def author() -> str:
    return _author.get()


class AuthorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _author.set(str(request.user) if request.user.is_authenticated else "somebody")
        try:
            return self.get_response(request)
        finally:
            _author.reset(token)
