from __future__ import annotations

import socket

import pytest

from connections.urlguard import AddressGuard, is_public, parse_allowed
from connectors.base import AddressRefused, Unavailable
from connectors.http import Http
from tests.connectors.host import make_host
from tests.connectors.server import Reply, Request, serve


def guard(*addresses: str, allowed: tuple[str, ...] = ()) -> AddressGuard:
    return AddressGuard(allowed, lambda host, port: addresses)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::a9fe:a9fe",
        "ff02::1",
    ],
)
def test_addresses_inside_networks_are_refused(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(AddressRefused, match="private network"):
        guard("93.184.215.14", address).check("https://dav.example.com/")


def test_a_public_address_over_https_passes() -> None:
    guard("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c").check("https://dav.example.com:8443/x")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://dav.example.com/", "without encryption"),
        ("ftp://dav.example.com/", "not complete"),
        ("https:///x", "not complete"),
        ("dav.example.com", "not complete"),
        ("https://dav.example.com:x/", "not complete"),
        ("https://anna:secret@dav.example.com/", "own fields"),
    ],
)
def test_other_addresses_are_refused_with_the_reason(url: str, why: str) -> None:
    with pytest.raises(AddressRefused, match=why) as error:
        guard("93.184.215.14").check(url)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "localhost", "[::1]", "[::ffff:10.0.0.1]"])
def test_disguised_loopback_is_refused(host: str) -> None:
    with pytest.raises((AddressRefused, Unavailable)):
        AddressGuard(()).check(f"https://{host}/")


def test_an_allowed_host_passes_on_its_port_alone() -> None:
    one = guard("127.0.0.1", allowed=("localhost:5232", "[::1]:80"))
    one.check("http://localhost:5232/anna/")
    one.check("http://[::1]/")
    one.check_peer("localhost", 5232, "127.0.0.1")
    one.check_peer("[::1]", 80, "::1")
    for url in ("http://localhost:5233/", "https://localhost/", "http://127.0.0.1:5232/"):
        with pytest.raises(AddressRefused):
            one.check(url)


def test_an_allowed_host_needs_its_port() -> None:
    with pytest.raises(ValueError, match="'localhost' in ALLOWED_PRIVATE_HOSTS"):
        parse_allowed(["localhost"])


def test_a_name_that_does_not_resolve_may_do_so_later() -> None:
    def fails(host: str, port: int) -> list[str]:
        raise socket.gaierror("no such name")

    with pytest.raises(Unavailable, match=r"dav\.example\.com cannot be resolved"):
        AddressGuard((), fails).check("https://dav.example.com/")


def test_a_name_that_turns_private_after_the_check_gets_no_byte() -> None:
    """DNS rebinding: the check saw a public address, the connection reaches this machine."""
    seen: list[Request] = []

    def answer(request: Request) -> Reply:
        seen.append(request)
        return Reply()

    class Rebound(AddressGuard):
        def check(self, url: str) -> None:
            """As if the name had been public a moment ago."""

    with serve(answer) as url:
        host = make_host(url)
        object.__setattr__(host, "guard", Rebound(()))
        with pytest.raises(AddressRefused, match="private network"):
            Http(host).request("GET", url)
    assert not seen


def test_a_redirect_to_a_private_address_is_refused() -> None:
    with serve(lambda request: Reply(302, headers={"Location": "http://169.254.169.254/latest"})) as url:
        host = make_host(url)
        object.__setattr__(host, "guard", AddressGuard((url.removeprefix("http://"),)))
        with pytest.raises(AddressRefused, match=r"169\.254\.169\.254"):
            Http(host).request("GET", url)
