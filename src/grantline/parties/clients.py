"""Who may ask: the registration of one client (RFC 7591 §2). How it is read and checked: `registration`."""

from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from grantline.model.ids import ClientId

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Identifier = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$")]
ClientName = Annotated[str, msgspec.Meta(pattern=r"^(?:[A-Za-z0-9][A-Za-z0-9._~-]{0,99}|https://[!-~]{1,192})$")]
"""An identifier, or the address of a metadata document; which of them, its origin says."""
Seconds = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


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
    """How the client proves itself (RFC 7591 `token_endpoint_auth_method`, RFC 8705 §2)."""

    NONE = "none"
    CLIENT_SECRET_BASIC = "client_secret_basic"  # noqa: S105 the name of a method
    CLIENT_SECRET_POST = "client_secret_post"  # noqa: S105 the name of a method
    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS_CLIENT_AUTH = "tls_client_auth"
    SELF_SIGNED_TLS_CLIENT_AUTH = "self_signed_tls_client_auth"
    SPIFFE_X509 = "spiffe_x509"


class Profile(StrEnum):
    """Which rules apply on top of OAuth 2.1. A profile tightens; what loosens stands in `docs/exceptions.md` alone."""

    OAUTH21 = "oauth21"
    FAPI2 = "fapi2"
    FAPI2_MESSAGE_SIGNING = "fapi2-message-signing"
    OIDC = "oidc"
    MCP = "mcp"

    @classmethod
    def _missing_(cls, value: object) -> "Profile | None":
        """Registrations of the first release said `oauth`."""
        return cls.OAUTH21 if value == "oauth" else None


class SubjectType(StrEnum):
    """Whether people have one name for each sector or one for all (OIDC Core §8)."""

    PAIRWISE = "pairwise"
    PUBLIC = "public"


class ApplicationType(StrEnum):
    """Where the client runs (OIDC Registration §2): it decides which redirect URIs are allowed."""

    WEB = "web"
    NATIVE = "native"


class Delivery(StrEnum):
    """How a client learns of the answer to a back-channel request (CIBA §5)."""

    POLL = "poll"
    PING = "ping"


class Origin(StrEnum):
    """How the registration came here: by the operator, by the client itself, as a document at its own address."""

    DECLARED = "declared"
    REGISTERED = "registered"
    DOCUMENT = "document"


class Standing(StrEnum):
    """Whether the operator lets the client act."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Algorithms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """With which algorithm each thing for, or of, this client is signed; None leaves it to the server.

    RFC 7591 names in the order of the fields: `id_token_signed_response_alg`, `userinfo_signed_response_alg`,
    `authorization_signed_response_alg`, `introspection_signed_response_alg`, `request_object_signing_alg`,
    `token_endpoint_auth_signing_alg`, `backchannel_authentication_request_signing_alg`.
    """

    id_token: str | None = None
    userinfo: str | None = None
    authorization: str | None = None
    introspection: str | None = None
    request_object: str | None = None
    client_assertion: str | None = None
    backchannel_request: str | None = None


class Certificate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one name that the client's certificate has to carry (RFC 8705 §2.1.2); exactly one is set."""

    subject_dn: str | None = None
    san_dns: str | None = None
    san_uri: str | None = None
    san_ip: str | None = None
    san_email: str | None = None


class Logout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where people go after signing out here, and how the client hears of it (OIDC logout specifications)."""

    redirect_uris: tuple[str, ...] = ()
    backchannel_uri: str | None = None
    backchannel_session: bool = False
    frontchannel_uri: str | None = None
    frontchannel_session: bool = False


class Backchannel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the client may ask people who are elsewhere (CIBA §4)."""

    delivery: Delivery = Delivery.POLL
    endpoint: str | None = None
    user_code: bool = False


class Exchange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose tokens a client may trade for its own (RFC 8693); those that it got itself it may always narrow.

    `subjects`: clients whose access tokens it may present. `id_tokens`: whether their ID tokens count too. `actors`:
    clients that may act in its place, by a token of theirs. `depth`: most links of a chain, its own included.
    `longest`: seconds for which one part lasts; left out, as long as the whole.
    """

    subjects: tuple[Identifier, ...] = ()
    id_tokens: bool = False
    actors: tuple[Identifier, ...] = ()
    depth: Annotated[int, msgspec.Meta(ge=2, le=5)] = 5
    longest: Annotated[int, msgspec.Meta(ge=60, le=10**9)] | None = None


class Client(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One registration, exactly as `grantline apply` reads it.

    `web`: https address that is shown, never the name alone. `scopes`: the ceiling; `details`: RAR types that may be
    asked for directly within the ceiling; `default_scopes`: what a request without scope asks for. `audience`:
    resources a service stands for, so it may introspect their tokens. `sector`: clients of one sector see the same
    pairwise `sub`; default the host of the first redirect URI. `secret_hashes`: SHA-256 (hex) of client secrets.
    `require_pkce`, `require_par`, `require_request_object`: may only be loosened where the profile says so.
    `may_act`: the only client that may act by this client's tokens; it stands in each of them (RFC 8693 §4.4).
    """

    id: ClientName
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
    profile: Profile = Profile.OAUTH21
    sector: str | None = None
    status: Standing = Standing.ACTIVE
    verified_by: str | None = None
    contact: str = ""
    jurisdiction: str = "not known"
    jwks_uri: str | None = None
    secret_hashes: tuple[str, ...] = ()
    certificate: Certificate | None = None
    spiffe_id: str | None = None
    certificate_bound: bool = False
    algorithms: Algorithms = Algorithms()
    require_pkce: bool = True
    require_par: bool = False
    require_request_object: bool = False
    request_uris: tuple[str, ...] = ()
    default_scopes: tuple[str, ...] = ()
    default_max_age: Seconds | None = None
    default_acr: tuple[str, ...] = ()
    subject_type: SubjectType = SubjectType.PAIRWISE
    application_type: ApplicationType = ApplicationType.WEB
    logout: Logout = Logout()
    initiate_login_uri: str | None = None
    backchannel: Backchannel | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    terms_uri: str | None = None
    origin: Origin = Origin.DECLARED
    exchange: Exchange | None = None
    may_act: Identifier | None = None

    @property
    def client_id(self) -> ClientId:
        """The id under its own type."""
        return ClientId(self.id)

    @property
    def confidential(self) -> bool:
        """True if the client can keep a key or a secret and proves itself with it (RFC 6749 §2.1)."""
        return self.auth is not AuthMethod.NONE

    @property
    def sender_constrained(self) -> bool:
        """True if it never gets a bearer token: its tokens are bound to a DPoP key or a certificate."""
        return self.dpop_bound or self.certificate_bound

    @property
    def sector_host(self) -> str:
        """Names the group of clients that share pairwise subjects (OIDC Core §8.1)."""
        if self.sector:
            return self.sector
        return (urlsplit(self.redirect_uris[0]).hostname or self.id) if self.redirect_uris else self.id
