"""Where requests come in, and what each door knows of who knocks. Certificates count at one door only (check 106).

The front door never reads one, whatever a header says. The other learns of them from TLS itself, or from the one proxy
that the operator named, at its own addresses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

import structlog

from grantline.crypto.certificates import CertificateInvalid, from_pem
from grantline.crypto.forwarded import Proxy
from grantline.model.errors import InvalidRequest

Scope = Mapping[str, Any]
Headers = Mapping[str, tuple[str, ...]]
Certificates = tuple[bytes, ...]
_log = structlog.get_logger("grantline.authorization")


@dataclass(frozen=True, slots=True)
class Door:
    """`base`: URL by which clients call this door; None for the issuer's own.

    `certificates`: DER of what the client showed, its own first; raises `InvalidRequest` for what cannot be read.
    """

    base: str | None
    certificates: Callable[[Scope, Headers], Certificates]


def _nothing(_scope: Scope, _headers: Headers) -> Certificates:
    return ()


FRONT = Door(base=None, certificates=_nothing)
"""The door of browsers: it asks nobody for a certificate and believes no header about one."""


def through_tls(base: str) -> Door:
    """A listener of ours that asks for certificates and puts them into `scope["extensions"]["tls"]`."""
    return Door(base, from_connection)


def from_connection(scope: Scope, _headers: Headers) -> Certificates:
    """The certificates of this very connection; only the server can write there."""
    chain = scope.get("extensions", {}).get("tls", {}).get("client_cert_chain", ())
    return tuple(from_pem(one) for one in chain)


def behind(proxy: Proxy, base: str, addresses: tuple[str, ...]) -> Door:
    """Behind this proxy, which alone is believed. `addresses`: its own, or networks; empty for a Unix socket.

    Raises `ValueError` for what is neither.
    """
    networks = tuple(ip_network(one) for one in addresses)

    def is_proxy(scope: Scope) -> bool:
        client = scope.get("client")
        if not networks:
            # Who may open the socket was decided by its directory.
            return client is None
        return client is not None and any(ip_address(client[0]) in network for network in networks)

    def certificates(scope: Scope, headers: Headers) -> Certificates:
        if proxy.header not in headers:
            return ()
        if not is_proxy(scope):
            _log.warning("certificate_header_ignored", header=proxy.header, client=scope.get("client"))
            return ()
        try:
            return proxy.certificates(headers)
        except CertificateInvalid as error:
            raise InvalidRequest("The client certificate cannot be read.", detail=str(error)) from error

    return Door(base, certificates)
