"""Who is at work: the person who signed in, or a command on a shell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Author:
    """`user`: the person's id; `at_desk`: at work in the admin or on a shell, so for those who run the installation."""

    name: str
    user: int | None = None
    at_desk: bool = False


SHELL = Author("a command", at_desk=True)
_author: ContextVar[Author] = ContextVar("author", default=SHELL)


def author() -> Author:
    return _author.get()


@contextmanager
def working(one: Author) -> Iterator[None]:
    token = _author.set(one)
    try:
        yield
    finally:
        _author.reset(token)


class AuthorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with working(_of(request)):
            return self.get_response(request)


def _of(request: HttpRequest) -> Author:
    if not request.user.is_authenticated:
        return Author("somebody")
    return Author(str(request.user), request.user.pk, request.path.startswith(reverse("admin:index")))
