"""How long somebody stays signed in, and who else may say who somebody is: safe when nothing is said."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from grantline.model.setting import setting


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """All times in seconds."""

    idle: int = setting(1_800, help="Seconds without a request after which a session ends.")
    absolute: int = setting(43_200, help="Seconds after which a session ends in any case.")
    time_tells_apps: bool = setting(
        True, help="Whether apps are told by their back channel of sessions that time has ended, too."
    )


class UpstreamSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[upstreams]]` table: an OpenID provider whose people may sign in here.

    `name`: in addresses. `title`: on the button. `client_secret_file`: none for a public client. `link_email_domains`:
    domains for which this provider's verified addresses name people here, see `identity.linking`; none: people link
    their accounts themselves. `provision`: make people of these domains who are not known yet. `mfa_acr`: its `acr`
    values that count as two factors here. `algorithms`: in which it may sign.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,32}$")]
    title: str
    issuer: str
    client_id: str
    client_secret_file: Path | None = None
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    algorithms: tuple[str, ...] = ("ES256", "PS256", "EdDSA", "RS256")
    link_email_domains: tuple[str, ...] = ()
    provision: bool = False
    mfa_acr: tuple[str, ...] = ()
