"""All that may loosen a profile: who may set it, for which profiles, and what is said each time it is applied.

`docs/exceptions.md` is made from this table. What does not stand here cannot be loosened.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from grantline.parties.clients import Client, Origin, Profile
from grantline.parties.profile_rules import PROFILES, SECRETS


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """One way to loosen. `setting`: what stands in the registration; `holds`: whether it does for this client.

    `origins`: how a registration that says so may have come here.
    """

    name: str
    setting: str
    profiles: tuple[Profile, ...]
    origins: tuple[Origin, ...]
    condition: str
    warning: str
    holds: Callable[[Client], bool]


_ANY_WITH_SECRETS = tuple(profile for profile, rules in PROFILES.items() if rules.methods & SECRETS)
_WITH_RS256 = tuple(profile for profile, rules in PROFILES.items() if "RS256" in rules.algorithms)
_WITHOUT_PKCE = tuple(profile for profile, rules in PROFILES.items() if rules.nonce_for_pkce)


def _uses_rs256(client: Client) -> bool:
    return "RS256" in msgspec.structs.astuple(client.algorithms)


EXEMPTIONS: tuple[Exemption, ...] = (
    Exemption(
        name="PKCE left out",
        setting="`require_pkce = false`",
        profiles=_WITHOUT_PKCE,
        origins=(Origin.DECLARED,),
        condition="the client proves itself, and each request without a challenge asks for `openid` with a `nonce`",
        warning="its requests may leave PKCE out; only its own check of the nonce then ties a code to its browser.",
        holds=lambda client: not client.require_pkce,
    ),
    Exemption(
        name="a shared secret",
        setting='`auth = "client_secret_basic"` or `"client_secret_post"`',
        profiles=_ANY_WITH_SECRETS,
        origins=(Origin.DECLARED, Origin.REGISTERED),
        condition="the secret has 256 random bits; its SHA-256 is kept",
        warning="it proves itself with a secret that travels with each request; prefer private_key_jwt.",
        holds=lambda client: client.auth in SECRETS,
    ),
    Exemption(
        name="RS256",
        setting='a member of `algorithms` that is `"RS256"`',
        profiles=_WITH_RS256,
        origins=(Origin.DECLARED, Origin.REGISTERED),
        condition="named for that one kind of signature; never chosen by itself",
        warning="it uses RS256, a padding that newer profiles forbid; prefer ES256 or PS256.",
        holds=_uses_rs256,
    ),
)


def is_exempt_by_right(client: Client) -> bool:
    """True unless the registration uses an exemption that may not be set in the way by which it came."""
    return all(client.origin in exemption.origins for exemption in EXEMPTIONS if exemption.holds(client))


def warnings(client: Client) -> tuple[str, ...]:
    """One sentence for each exemption that this registration uses."""
    return tuple(exemption.warning for exemption in EXEMPTIONS if exemption.holds(client))
