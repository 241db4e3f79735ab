"""Ids, change keys and etags in the shapes that Exchange Online gives them: opaque, long, base64 for URLs.

An ordinary id names the folder too and so changes when the item moves; an immutable id does not
(learn.microsoft.com/graph/outlook-immutable-id).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
import uuid
from dataclasses import dataclass

ORDINARY = b"\x00\x03\x24"
IMMUTABLE = b"\x00\x09\x00"
FOLDER = b"\x00\x03\x25"
_BODY = struct.Struct(">3s16sQQ")
_FILLING = 48
_CHECK = 6


class MalformedId(ValueError):
    """No id that this mailbox ever gave out."""


@dataclass(frozen=True, slots=True)
class Named:
    """What an id names. `folder` is 0 unless the id is bound to a folder."""

    number: int
    folder: int


def encode(kind: bytes, mailbox: str, number: int, folder: int = 0) -> str:
    body = _BODY.pack(kind, uuid.UUID(mailbox).bytes, folder, number)
    digest = hashlib.sha512(body).digest()
    return base64.urlsafe_b64encode(body + digest[: _FILLING + _CHECK]).decode()


def contact_id(mailbox: str, number: int, folder: int, *, immutable: bool) -> str:
    return encode(IMMUTABLE, mailbox, number) if immutable else encode(ORDINARY, mailbox, number, folder)


def folder_id(mailbox: str, number: int) -> str:
    return encode(FOLDER, mailbox, number)


def decode(text: str, mailbox: str, *kinds: bytes) -> Named:
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
        kind, owner, folder, number = _BODY.unpack_from(raw)
    except (binascii.Error, ValueError, struct.error) as error:
        raise MalformedId from error
    genuine = raw[_BODY.size :] == hashlib.sha512(raw[: _BODY.size]).digest()[: _FILLING + _CHECK]
    if not genuine or kind not in kinds or owner != uuid.UUID(mailbox).bytes:
        raise MalformedId
    return Named(number, folder)


def change_key(mailbox: str, sequence: int) -> str:
    raw = b"\x11\x00\x00\x00\x16\x00\x00\x00" + uuid.UUID(mailbox).bytes + sequence.to_bytes(6, "big")
    return base64.b64encode(raw).decode()


def etag(key: str) -> str:
    return f'W/"{key}"'
