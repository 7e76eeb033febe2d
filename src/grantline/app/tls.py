"""TLS as this software serves it: from 1.2, forward secret and authenticated ciphers alone (RFC 9325, check 168)."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from grantline.model.errors import InvalidConfiguration

CIPHERS = ":".join(
    f"ECDHE-{signs}-{cipher}" for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384") for signs in ("ECDSA", "RSA")
)
"""Of TLS 1.2: the four that BCP 195 recommends and FAPI 2.0 §5.2.2 allows. All of TLS 1.3 are as good."""

HSTS = [("strict-transport-security", "max-age=31536000")]
"""For whoever is called by https: browsers then never try http again (RFC 6797, check 168)."""

_AS_PEM = 1
"""`ssl._ssl.ENCODING_PEM`."""


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A context with this identity that asks nobody for a certificate. Raises `InvalidConfiguration`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise InvalidConfiguration(f"{certificate} and {key} are no certificate and its key: {error}") from error
    return context


class AskingTls:
    """Asks for a certificate and lets everybody in who shows none. What it may show can change while it serves.

    Python cannot accept a certificate that it knows no issuer of, so those that clients signed themselves are loaded
    as their own. To be let in here proves nothing: whose a certificate is, is decided by who reads it.
    """

    def __init__(self, certificate: Path, key: Path, authorities: str) -> None:
        """`authorities`: PEM of all that are trusted always."""
        self._identity, self._authorities = (certificate, key), authorities
        self.context = self._with("")
        self._current = self.context
        self._own: frozenset[str] = frozenset()
        # One context cannot forget what it was told to trust. The next connection gets another one, by this callback.
        self.context.sni_callback = self._choose

    def trust(self, own: frozenset[str]) -> bool:
        """From the next connection on, just these certificates (PEM) that clients signed themselves; True if news."""
        if own == self._own:
            return False
        self._current, self._own = self._with("".join(sorted(own))), own
        return True

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current

    def _with(self, own: str) -> ssl.SSLContext:
        context = server_context(*self._identity)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if self._authorities or own:
            context.load_verify_locations(cadata=self._authorities + own)
        return context


class CertificateProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the client's certificates in the scope as the ASGI TLS extension will have them."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection was made; its certificates are the same for every request on it."""
        super().connection_made(transport)
        connection = transport.get_extra_info("ssl_object")
        self.app = _with_chain(self.app, () if connection is None else _shown(connection))


def _shown(connection: ssl.SSLObject) -> tuple[str, ...]:
    """PEM of what the client sent, its own first."""
    own = connection.getpeercert(binary_form=True)
    if own is None:
        return ()
    # Public from Python 3.13 on; before, the same call is there under the private object.
    if hasattr(connection, "get_unverified_chain"):
        sent: list[bytes] = connection.get_unverified_chain()
    else:
        sent = [ssl.PEM_cert_to_DER_cert(one.public_bytes(_AS_PEM)) for one in _private(connection)]
    return tuple(ssl.DER_cert_to_PEM_cert(der) for der in (own, *(one for one in sent if one != own)))


def _private(connection: ssl.SSLObject) -> list[Any]:
    chain = getattr(getattr(connection, "_sslobj", None), "get_unverified_chain", None)
    return [] if chain is None else list(chain() or ())


def _with_chain(app: Any, chain: tuple[str, ...]) -> Any:
    async def bound(scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("extensions", {})["tls"] = {"client_cert_chain": chain}
        await app(scope, receive, send)

    return bound
