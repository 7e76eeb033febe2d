"""Signatures that were checked once: the same token is asked about again and again, and no answer depends on when."""

import hashlib
from collections import OrderedDict

from grantline.crypto.signing import PublicKey
from grantline.model.token import AccessClaims

MOST = 2_048
Keys = tuple[PublicKey, ...]


class Verified:
    """Claims by the hash of their token, for as long as exactly these keys verify; bounded. Never the token itself.

    Only what never changes is remembered: whether a token has expired, or what it stands on has ended, is asked anew.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._keys: Keys = ()
        self._claims: OrderedDict[bytes, AccessClaims] = OrderedDict()

    def find(self, token: str, keys: Keys) -> AccessClaims | None:
        """What this token says, if one of `keys` was seen to have signed it."""
        if keys != self._keys:
            self._keys = keys
            self._claims.clear()
        return self._claims.get(_hash(token))

    def keep(self, token: str, claims: AccessClaims) -> None:
        """It was verified with the keys that `find` was just asked with."""
        self._claims[_hash(token)] = claims
        if len(self._claims) > self._most:
            self._claims.popitem(last=False)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
