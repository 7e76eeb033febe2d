"""Who may ask: the registration of one client, read strictly, with errors that name the path (RFC 7591 §2)."""

import unicodedata
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from grantline.crypto.proof_keys import read_proof_key
from grantline.model.errors import InvalidConfiguration
from grantline.model.ids import ClientId
from grantline.parties.redirects import check_redirect_uri, check_web_address

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Identifier = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$")]


class Kind(StrEnum):
    """What acts: an app that people use, a service on its own, an AI agent."""

    APP = "app"
    SERVICE = "service"
    AGENT = "agent"


class Tier(StrEnum):
    """How well the operator knows who stands behind the client."""

    VERIFIED = "verified"
    REGISTERED = "registered"
    SELF_REGISTERED = "self_registered"


class AuthMethod(StrEnum):
    """How the client proves itself (RFC 7591 `token_endpoint_auth_method`)."""

    NONE = "none"
    PRIVATE_KEY_JWT = "private_key_jwt"


class Profile(StrEnum):
    """Which rules apply: OAuth 2.1 alone, or the FAPI 2.0 security profile on top."""

    OAUTH = "oauth"
    FAPI2 = "fapi2"


class Standing(StrEnum):
    """Whether the operator lets the client act."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Client(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One registration, exactly as `grantline apply` reads it.

    `web`: https address that is shown, never the name alone. `scopes`: the ceiling; `details`: RAR types that may be
    asked for directly within the ceiling. `audience`: resources a service stands for, so it may introspect their
    tokens. `sector`: clients of one sector see the same pairwise `sub`; default the host of the first redirect URI.
    """

    id: Identifier
    name: Name
    kind: Kind = Kind.APP
    tier: Tier = Tier.REGISTERED
    publisher: Name
    web: str
    redirect_uris: tuple[str, ...] = ()
    auth: AuthMethod = AuthMethod.NONE
    jwks: tuple[dict[str, Any], ...] = ()
    scopes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    grants: tuple[str, ...] = ("authorization_code",)
    audience: tuple[str, ...] = ()
    dpop_bound: bool = True
    profile: Profile = Profile.OAUTH
    sector: str | None = None
    status: Standing = Standing.ACTIVE
    verified_by: str | None = None
    contact: str = ""
    jurisdiction: str = "not known"

    @property
    def client_id(self) -> ClientId:
        """The id under its own type."""
        return ClientId(self.id)

    @property
    def confidential(self) -> bool:
        """True if the client can keep a key and proves itself with it (RFC 6749 §2.1)."""
        return self.auth is not AuthMethod.NONE

    @property
    def sector_host(self) -> str:
        """Names the group of clients that share pairwise subjects (OIDC Core §8.1)."""
        if self.sector:
            return self.sector
        return (urlsplit(self.redirect_uris[0]).hostname or self.id) if self.redirect_uris else self.id


def read_client(data: Any, path: str = "$") -> Client:
    """A registration from plain data; raises `InvalidConfiguration` whose message names the path that is wrong."""
    try:
        client = msgspec.convert(data, Client)
    except msgspec.ValidationError as error:
        raise InvalidConfiguration(_placed(str(error), path)) from error
    check_web_address(client.web, f"{path}.web")
    for index, uri in enumerate(client.redirect_uris):
        check_redirect_uri(uri, f"{path}.redirect_uris[{index}]")
    for rule, place, sentence in _RULES:
        if not rule(client):
            raise InvalidConfiguration(f"{path}.{place}: {sentence}")
    for index, jwk in enumerate(client.jwks):
        _check_key(jwk, f"{path}.jwks[{index}]")
    return client


_ALGORITHMS = {"EC": "ES256", "OKP": "EdDSA", "RSA": "PS256"}


def _check_key(jwk: dict[str, Any], path: str) -> None:
    algorithm = _ALGORITHMS.get(str(jwk.get("kty")), "")
    try:
        read_proof_key(algorithm, jwk)
    except ValueError as error:
        raise InvalidConfiguration(f"{path}: {error}.") from error
    if jwk.get("alg", algorithm) != algorithm:
        raise InvalidConfiguration(f"{path}.alg: must be {algorithm} for a key of this kind.")


def _is_plain(text: str) -> bool:
    """True without letters that cannot be seen or that turn the writing direction: names are shown to people."""
    return all(unicodedata.category(letter) not in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"} for letter in text)


_RULES: tuple[tuple[Callable[[Client], bool], str, str], ...] = (
    (
        lambda client: _is_plain(client.name) and _is_plain(client.publisher),
        "name",
        "name and publisher must not hold control characters or signs that change the writing direction.",
    ),
    (
        lambda client: "authorization_code" not in client.grants or bool(client.redirect_uris),
        "redirect_uris",
        "a client with the authorization code grant needs at least one.",
    ),
    (
        lambda client: len(client.redirect_uris) <= 20 and len(set(client.redirect_uris)) == len(client.redirect_uris),
        "redirect_uris",
        "name each once, at most 20.",
    ),
    (
        lambda client: client.confidential == bool(client.jwks),
        "jwks",
        "private_key_jwt needs at least one public key, and no other method takes keys.",
    ),
    (
        lambda client: not any("d" in key or "k" in key for key in client.jwks),
        "jwks",
        "only public keys belong here; replace this key, it is no longer private.",
    ),
    (
        lambda client: set(client.grants) <= {"authorization_code", "refresh_token"},
        "grants",
        "known here are authorization_code and refresh_token.",
    ),
    (
        lambda client: client.profile is not Profile.FAPI2 or (client.confidential and client.dpop_bound),
        "profile",
        "fapi2 needs private_key_jwt and dpop_bound = true.",
    ),
    (
        lambda client: not client.audience or (client.kind is Kind.SERVICE and client.confidential),
        "audience",
        "only a service with private_key_jwt may stand for a resource.",
    ),
)


def _placed(message: str, path: str) -> str:
    """Put our place in front of what msgspec says, which counts from `$`."""
    sentence, _, place = message.partition(" - at `")
    return f"{path}{place.rstrip('`').removeprefix('$')}: {sentence}"
