"""The door for clients with certificates: a second listener of the authority, or one that only its proxy uses."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from grantline.app.state import WakingWork
from grantline.app.tls import HSTS, AskingTls, CertificateProtocol
from grantline.app.web import Task
from grantline.authorization import Door, Mtls, Server, behind, oauth_endpoints, through_tls
from grantline.crypto.certificates import Authorities, CertificateInvalid, registered_certificate
from grantline.crypto.forwarded import proxies
from grantline.gateway.minimiser import unix_socket
from grantline.model.clock import Clock
from grantline.model.errors import InvalidConfiguration
from grantline.parties import AuthMethod, Client, Standing
from grantline.settings import MtlsSettings

LOOK_EVERY_S = 1.0
_log = structlog.get_logger("grantline.app")


@dataclass(frozen=True, slots=True)
class Opened:
    """What has to run for it: a server of its own, and what keeps it up to date."""

    config: uvicorn.Config
    tasks: tuple[Task, ...]


def what_clients_need(settings: MtlsSettings) -> Mtls | None:
    """What the authorization server has to know; None without such a door. Raises `InvalidConfiguration`."""
    if not settings.is_open:
        return None
    domains = dict(_named_bundle(one) for one in settings.trust_domains)
    authorities = None if settings.client_ca is None else _authorities(settings.client_ca)
    return Mtls(settings.url or f"https://localhost:{settings.port}", authorities, domains)


def opened(settings: MtlsSettings, server: Server, work: WakingWork) -> Opened | None:
    """The door of these settings, if they name one. Raises `InvalidConfiguration`."""
    if server.mtls is None:
        return None
    if settings.proxy is not None:
        return Opened(_for_proxy(settings, server, server.mtls), ())
    if settings.socket is not None:
        raise InvalidConfiguration("$.server.mtls.socket: a socket is for a proxy; name it in proxy")
    if settings.certificate is None or settings.key is None:
        raise InvalidConfiguration("$.server.mtls: certificate and key are needed where no proxy ends TLS")
    known = [server.mtls.authorities, *server.mtls.trust_domains.values()]
    pem = "".join(one.pem for one in known if one is not None)
    tls = AskingTls(settings.certificate, settings.key, pem)
    config = uvicorn.Config(
        oauth_endpoints(server, through_tls(server.mtls.base)),
        host=settings.host,
        port=settings.port or 0,
        http=CertificateProtocol,
        ssl_context_factory=lambda _config, _default: tls.context,
        **_COMMON,
    )
    return Opened(config, (_Trust(tls, work, server.clock).keep,))


def _for_proxy(settings: MtlsSettings, server: Server, mtls: Mtls) -> uvicorn.Config:
    """A plain listener that believes one proxy's header, from that proxy."""
    proxy = proxies().get(settings.proxy or "")
    if proxy is None:
        raise InvalidConfiguration(f"$.server.mtls.proxy: there are {', '.join(proxies())}")
    if settings.socket is not None:
        # The server keeps the mode of a socket that is there: its owner and group may open it, nobody else.
        unix_socket(settings.socket).close()
        settings.socket.chmod(0o660)
        door = behind(proxy, mtls.base, ())
        return uvicorn.Config(oauth_endpoints(server, door), uds=str(settings.socket), **_PLAIN)
    return uvicorn.Config(
        oauth_endpoints(server, _by_address(settings, mtls)), host=settings.host, port=settings.port or 0, **_PLAIN
    )


def _by_address(settings: MtlsSettings, mtls: Mtls) -> Door:
    if not settings.proxy_addresses:
        raise InvalidConfiguration("$.server.mtls.proxy_addresses: name the addresses that the proxy calls from")
    try:
        return behind(proxies()[settings.proxy or ""], mtls.base, settings.proxy_addresses)
    except ValueError as error:
        raise InvalidConfiguration(f"$.server.mtls.proxy_addresses: {error}") from error


_COMMON: dict[str, Any] = {
    "loop": "uvloop", "ws": "none", "lifespan": "off", "log_config": None, "access_log": False,
    "server_header": False, "proxy_headers": False, "timeout_graceful_shutdown": 3, "headers": HSTS,
}  # fmt: skip
_PLAIN = {**_COMMON, "http": "httptools"}


class _Trust:
    """Keeps TLS knowing which certificates clients registered as their own, soon after any process changed them."""

    def __init__(self, tls: AskingTls, work: WakingWork, clock: Clock) -> None:
        self._tls, self._work, self._clock = tls, work, clock
        self._woken = asyncio.Event()
        self._seen: tuple[int, int] | None = None
        work.after_commit(self._woken.set)

    async def keep(self) -> None:
        """Look whenever this process wrote something, and each second for what others wrote."""
        while True:
            self._woken.clear()
            try:
                await self._look()
            except Exception:  # The door stays open for those it knows.
                _log.exception("certificates_not_read")
            try:
                await asyncio.wait_for(self._woken.wait(), LOOK_EVERY_S)
            except TimeoutError:
                continue

    async def _look(self) -> None:
        changed = await self._work.read(lambda tx: tx.clients.changed())
        if changed == self._seen:
            return
        clients = await self._work.read(lambda tx: tx.clients.all())
        if self._tls.trust(frozenset(pem for client in clients for pem in _own(client))):
            _log.info("certificates_changed")
        # Times are whole seconds: what changes later in this one has to be looked at again.
        now = self._clock.wall_us() // 1_000_000
        self._seen = changed if changed[0] < now else None


def _own(client: Client) -> list[str]:
    """PEM of the certificates that a client signed itself."""
    if client.auth is not AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH or client.status is not Standing.ACTIVE:
        return []
    ders = [registered_certificate(jwk) for jwk in client.jwks]
    return [ssl.DER_cert_to_PEM_cert(der) for der in ders if der is not None]


def _authorities(path: Path) -> Authorities:
    try:
        return Authorities.of(path.read_bytes())
    except (OSError, CertificateInvalid) as error:
        raise InvalidConfiguration(f"{path} is no bundle of certificates: {error}") from error


def _named_bundle(text: str) -> tuple[str, Authorities]:
    name, equals, path = text.partition("=")
    if not equals or not name or not path:
        raise InvalidConfiguration(f'$.server.mtls.trust_domains: {text!r} is not like "example.org=bundle.pem"')
    return name, _authorities(Path(path))
