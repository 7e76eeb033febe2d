"""What the upstream is told, signed by this gateway: who, under which grant, what of it, and until when."""

import hashlib
from functools import lru_cache

import orjson

from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.gateway.standing import Stands
from grantline.gateway.verify import Caller
from grantline.model.consent import EnforcedVersion
from grantline.model.decision import Call, Located, Permit
from grantline.model.ids import GatewayId

HEADER = "grantline-context"
TYP = "grantline-context+jwt"
LONGEST_US = 30_000_000


def path_hash(call: Call) -> str:
    """SHA-256 (base64url) of the raw path with its query."""
    return _target_hash(f"{call.path}?{call.query}" if call.query else call.path)


# The record and the context of one call both name it.
@lru_cache(maxsize=256)
def _target_hash(target: str) -> str:
    return b64url(hashlib.sha256(target.encode()).digest())


def context_end(stands: Stands, now_us: int) -> float:
    """When the context ends (unix seconds): with the lease it was checked under, at most 30 s from now."""
    return min(stands.ends_us, now_us + LONGEST_US) / 1_000_000


def sign_context(
    key: SigningKey, gateway: GatewayId, *, call: Call, caller: Caller, located: Located, version: EnforcedVersion,
    permit: Permit, audience: str, stands: Stands, now_us: int,
) -> str:  # fmt: skip
    """A compact JWS for the upstream with this API's resource identifier as audience.

    `sub` is the person's name at that API; it is left out where the consent has no person there.
    """
    claims: dict[str, object] = {
        "iss": gateway,
        "aud": audience,
        "client_id": caller.claims.client_id,
        "grant_id": caller.claims.grant_id,
        "gver": caller.claims.gver,
        "action": located.action,
        "datatype": located.datatype,
        "fields": permit.fields,
        "resources": located.resources,
        "purpose": permit.purpose,
        "ev": permit.evaluation,
        "mth": call.method,
        "ph": path_hash(call),
        "pos": [stands.position.incarnation, stands.position.seq],
        "iat": now_us / 1_000_000,
        "exp": context_end(stands, now_us),
    }
    name = dict(version.resource_subjects).get(located.api)
    if name is not None:
        claims["sub"] = name
    return key.sign_jws(orjson.dumps(claims), TYP)
