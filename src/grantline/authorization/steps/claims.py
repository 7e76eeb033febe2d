"""The `claims` parameter (OIDC Core §5.5): what is wanted of the sign-in, and in which answer."""

from typing import Any

import msgspec

from grantline.authorization.parameters import read_json
from grantline.model.errors import InvalidRequest
from grantline.model.ids import SubjectId

MOST = 64
"""Claims in one request."""


class ClaimsWanted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Names by the answer they are wanted in. A wish: each is given only where the consent covers it.

    `acr`: levels of sign-in, best first; `acr_essential`: without one of them the client wants no answer at all.
    `sub`: the only person whom the client expects.
    """

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    acr: tuple[str, ...] = ()
    acr_essential: bool = False
    sub: SubjectId | None = None


class _Claim(msgspec.Struct, frozen=True):
    """How one claim is wanted; other members are ignored (§5.5.1)."""

    essential: bool = False
    value: Any = None
    values: tuple[Any, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The values that would do."""
        return tuple(one for one in (self.value, *self.values) if isinstance(one, str))


class _Request(msgspec.Struct, frozen=True):
    id_token: dict[str, _Claim | None] | None = None
    userinfo: dict[str, _Claim | None] | None = None


def read_claims(raw: str | None) -> ClaimsWanted:
    """The parameter's value; raises `InvalidRequest` for what is not of its form."""
    if raw is None:
        return ClaimsWanted()
    request: _Request = read_json(raw, _Request, "claims")
    inside, outside = request.id_token or {}, request.userinfo or {}
    if len(inside) + len(outside) > MOST:
        raise InvalidRequest(f"claims names more than {MOST} claims.")
    acr = inside.get("acr") or _Claim()
    return ClaimsWanted(
        id_token=tuple(inside),
        userinfo=tuple(outside),
        acr=acr.texts,
        acr_essential=acr.essential and bool(acr.texts),
        sub=_one_subject((inside.get("sub") or _Claim()).texts + (outside.get("sub") or _Claim()).texts),
    )


def _one_subject(named: tuple[str, ...]) -> SubjectId | None:
    if len(set(named)) > 1:
        raise InvalidRequest("claims names more than one sub.")
    return SubjectId(named[0]) if named else None
