"""Record ids: a prefix that names the type, a running number, and the suffix that makes them safe in any case."""

from __future__ import annotations

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def make(prefix: str, number: int) -> str:
    digits = ""
    for _ in range(7):
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    return long(f"{prefix}5e000{digits}")


def long(id: str) -> str:
    """The 18 characters of an id that may come with 15."""
    if len(id) != 15:
        return id
    groups = (id[0:5], id[5:10], id[10:15])
    return id + "".join(
        _SUFFIX[sum(1 << place for place, sign in enumerate(group) if sign.isupper())] for group in groups
    )


def is_id(text: object) -> bool:
    return isinstance(text, str) and text.isalnum() and text.isascii() and len(text) in (15, 18)
