"""Tables of the authority's database, one file per part; `METADATA` joins them for migrations."""

from grantline.storage.schema import (
    authorization,
    calls,
    client_sessions,
    clients,
    consent,
    elsewhere,
    exchanged_tokens,
    gateways,
    grants,
    identity,
    opaque_tokens,
    registration,
    shared,
    sign_in,
    signing_keys,
)
from grantline.storage.schema.base import METADATA

__all__ = [
    "METADATA",
    "authorization",
    "calls",
    "client_sessions",
    "clients",
    "consent",
    "elsewhere",
    "exchanged_tokens",
    "gateways",
    "grants",
    "identity",
    "opaque_tokens",
    "registration",
    "shared",
    "sign_in",
    "signing_keys",
]
