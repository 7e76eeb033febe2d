"""Every part's own frozen Settings, joined: read from one TOML file, overridden by the environment.

`GRANTLINE_SECTION__KEY=value` replaces `key` of `[section]`. Whatever is unknown or of the wrong type is an error that
names its path (`$.sessions.idle`); nothing is guessed.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_origin, get_type_hints

import msgspec

from grantline.authorization import Settings as AuthorizationSettings
from grantline.authorization.keys import KeySettings
from grantline.consent import Settings as ConsentSettings
from grantline.fetching import FetchSettings
from grantline.gateway.minimiser import Settings as MinimiserSettings
from grantline.gateway.settings import GatewaySettings
from grantline.identity import SessionSettings, UpstreamSettings
from grantline.ledger.settings import Settings as LedgerSettings
from grantline.ledger.sinks.settings import SinkSettings
from grantline.model.errors import InvalidConfiguration
from grantline.model.ids import ApiId, GatewayId
from grantline.model.setting import section, setting
from grantline.parties import RegistrationSettings
from grantline.signals import FeedSettings
from grantline.storage.settings import StorageSettings

PREFIX = "GRANTLINE_"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MtlsSettings:
    """A second listener, which alone asks for certificates or believes a proxy about them."""

    host: str = setting("127.0.0.1", help="Address to listen on.")
    port: int | None = setting(None, help="TCP port to listen on. Absent, and no socket: there is no such door.")
    url: str | None = setting(None, help="URL by which clients call it. Absent: https://localhost:PORT.")
    certificate: Path | None = setting(None, help="PEM file with the certificate chain that it shows.")
    key: Path | None = setting(None, help="PEM file with that certificate's private key.")
    client_ca: Path | None = setting(
        None, help="PEM file with the authorities of tls_client_auth, intermediate ones too. Absent: none is trusted."
    )
    trust_domains: tuple[str, ...] = setting(
        (), help='SPIFFE trust domains and their bundles: "example.org=/etc/grantline/example.org.pem".'
    )
    proxy: str | None = setting(
        None, help="Which proxy ends TLS in front of it: envoy, nginx or traefik. It alone is believed about clients."
    )
    proxy_addresses: tuple[str, ...] = setting(
        ("127.0.0.1", "::1"),
        help="From where that proxy calls: addresses or networks. From elsewhere, no header counts.",
    )
    socket: Path | None = setting(
        None, help="Unix socket for the proxy instead of host and port, open to this user and its group alone."
    )

    @property
    def is_open(self) -> bool:
        """True if there is such a door."""
        return self.port is not None or self.socket is not None


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the authority listens, and what it is called from outside."""

    host: str = setting("127.0.0.1", help="Address to listen on. Beyond loopback it takes TLS or a declared proxy.")
    port: int = setting(8400, help="TCP port to listen on; 0 takes a free one.")
    issuer: str | None = setting(
        None, help="URL by which everybody knows this authority. Absent: http://localhost:PORT."
    )
    tls_certificate: Path | None = setting(None, help="PEM file with the certificate chain.")
    tls_key: Path | None = setting(None, help="PEM file with the certificate's private key.")
    behind_proxy: bool = setting(False, help="True where a proxy of yours ends TLS in front; it must set the Host.")
    mtls: MtlsSettings = section(MtlsSettings, help="The door for clients that show a certificate (RFC 8705).")


class FrontSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[fronts]]` table: an API that a gateway of ours answers for behind Envoy.

    `base`: URL at which clients and this authority reach the API. `upstream`: where the API itself listens.
    `tls_certificate`, `tls_key`: PEM files with which Envoy ends TLS and asks clients for their certificates.
    """

    api: ApiId
    gateway: GatewayId
    base: str
    upstream: str
    tls_certificate: Path | None = None
    tls_key: Path | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All sections. Each has a safe value for everything."""

    server: ServerSettings = section(ServerSettings, help="The authority's own address.")
    authorization: AuthorizationSettings = section(AuthorizationSettings, help="Tokens, codes and requests.")
    keys: KeySettings = section(KeySettings, help="Signing keys: which, how long, and where they live.")
    consents: ConsentSettings = section(ConsentSettings, help="How consents behave.")
    feed: FeedSettings = section(
        FeedSettings, help="How fast gateways hear of changes, and how long they may be silent."
    )
    gateway: GatewaySettings = section(GatewaySettings, help="Enforcement at a gateway.")
    fronts: tuple[FrontSettings, ...] = setting((), help="Which API stands behind which gateway, and where it listens.")
    minimiser: MinimiserSettings = section(MinimiserSettings, help="The hop that cuts answers to the agreed fields.")
    ledger: LedgerSettings = section(LedgerSettings, help="The record.")
    sinks: tuple[SinkSettings, ...] = setting((), help="Where entries of the record go besides: a SIEM, a file.")
    fetching: FetchSettings = section(
        FetchSettings, help="Requests to addresses that clients and other providers named: documents, keys, notices."
    )
    storage: StorageSettings = section(StorageSettings, help="Where the state is kept.")
    registration: RegistrationSettings = section(
        RegistrationSettings, help="Clients that register themselves, or come with a document of their own."
    )
    sessions: SessionSettings = section(SessionSettings, help="How long a sign-in lasts.")
    upstreams: tuple[UpstreamSettings, ...] = setting((), help="OpenID providers whose people may sign in here.")


def load(path: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the file, if one is named, then the environment. Raises `InvalidConfiguration`."""
    tree = {} if path is None else read_toml(path)
    refuse_unknown(Settings, tree, "$")
    try:
        settings = msgspec.convert(tree, Settings, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise InvalidConfiguration(f"{path}: {error}") from error
    for name in sorted(environment):
        if name.startswith(PREFIX) and "__" in name:
            settings = _override(settings, name, name.removeprefix(PREFIX).lower().split("__"), environment[name])
    return settings


def read_toml(path: Path) -> dict[str, Any]:
    """The file as a tree. Raises `InvalidConfiguration` naming file and line."""
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise InvalidConfiguration(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(f"{path} is not TOML: {error}") from error


def refuse_unknown(kind: type, tree: Mapping[str, Any], path: str) -> None:
    """A key that no setting has is a typing mistake, and silence about it would be a wrong setting."""
    hints = get_type_hints(kind)
    for key, value in tree.items():
        if key not in hints:
            raise InvalidConfiguration(f"{path}.{key} is not a setting; there are: {', '.join(sorted(hints))}")
        if is_dataclass(hints[key]) and isinstance(value, dict):
            refuse_unknown(hints[key], value, f"{path}.{key}")


def _override(settings: T, name: str, path: list[str], value: str) -> T:
    """The same settings with one value replaced by an environment variable's text."""
    key, *rest = path
    hints = get_type_hints(type(settings))
    if key not in hints or bool(rest) != is_dataclass(hints[key]):
        raise InvalidConfiguration(f"{name} in the environment names no setting")
    if rest:
        return _with(settings, key, _override(getattr(settings, key), name, rest, value))
    listed: Any = value.split(",") if get_origin(hints[key]) is tuple else value
    try:
        return _with(settings, key, msgspec.convert(listed, hints[key], strict=False, dec_hook=_decode))
    except msgspec.ValidationError as error:
        raise InvalidConfiguration(f"{name} in the environment: {error}") from error


def _with(settings: T, key: str, value: Any) -> T:
    return replace(settings, **{key: value})  # type: ignore[type-var]


def _decode(kind: type, value: Any) -> Any:
    """Types that TOML does not know."""
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(kind)
