"""Connections that look at whom they reached before a byte leaves.

A name is resolved once for the address check and again when the connection is made; whoever runs the name's zone may
answer differently the second time (DNS rebinding). What counts is the peer of the socket itself.
"""

from __future__ import annotations

import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from connectors.base import UrlGuard


class GuardedAdapter(HTTPAdapter):
    def __init__(self, guard: UrlGuard) -> None:
        super().__init__()
        self.poolmanager.pool_classes_by_scheme = _pools(guard)


def _pools(guard: UrlGuard) -> dict[str, type[HTTPConnectionPool]]:
    def checked(sock: socket.socket, host: str, port: int) -> socket.socket:
        try:
            guard.check_peer(host, port, str(sock.getpeername()[0]))
        except BaseException:
            sock.close()
            raise
        return sock

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return checked(super()._new_conn(), self.host, self.port)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return checked(super()._new_conn(), self.host, self.port)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls: Any = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls: Any = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}
