"""Is the token the caller's own: proof of its key at this gateway, this boot, once (RFC 9449 §7), or its certificate
(RFC 8705 §3).
"""

import hashlib
from collections import deque

from grantline.crypto.dpop import (
    FUTURE_SECONDS,
    PAST_SECONDS,
    Expected,
    ProofInvalid,
    ProofMissing,
    ProofNonceNeeded,
    verify_proof,
)
from grantline.crypto.nonces import Nonces
from grantline.gateway.refusal import Refusal
from grantline.gateway.verify import Caller
from grantline.model.decision import Call
from grantline.model.reasons import Reason

_CAPACITY = 200_000


class Replays:
    """Proofs seen here, each until it would be too old anyway. When there is no room, new ones are refused:
    forgetting a live one would let it be used twice.
    """

    def __init__(self, *, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._seen: set[bytes] = set()
        self._order: deque[tuple[int, bytes]] = deque()

    def use(self, jkt: str, jti: str, now: int) -> None:
        """Burn a proof; raises `Refusal` if it was used before or cannot be remembered. `now` in unix seconds."""
        while self._order and self._order[0][0] <= now:
            self._seen.discard(self._order.popleft()[1])
        key = hashlib.sha256(f"{jkt} {jti}".encode()).digest()
        if key in self._seen:
            raise Refusal(Reason.PROOF_REPLAYED, f"jti {jti!r} was used before")
        if len(self._seen) >= self._capacity:
            raise Refusal(Reason.PROOF_CACHE_FULL, f"{self._capacity} proofs are remembered")
        # Counted from now, which is never earlier than the proof's own end: the order of arrival is that of ending.
        self._order.append((now + PAST_SECONDS + FUTURE_SECONDS + 1, key))
        self._seen.add(key)


class Possession:
    """Binds callers to their keys."""

    def __init__(self, nonces: Nonces, replays: Replays) -> None:
        self.nonces = nonces
        self._replays = replays

    def bind(self, call: Call, caller: Caller, now: int) -> str | None:
        """Raise `Refusal` unless the token may be used by whoever made this call. `now` in unix seconds.

        Gives the nonce to use from now on, where the one in the proof has had its time.
        """
        bound = caller.claims.cnf
        if bound is None:
            if caller.scheme == "DPoP":
                raise Refusal(Reason.TOKEN_INVALID, "an unbound token with the DPoP scheme")
            return None
        if bound.jkt is None:
            _require_certificate(call, caller, bound.x5t)
            return None
        if caller.scheme != "DPoP":
            # A stolen bound token must not become a bearer token by a change of scheme (RFC 9449 §7.2).
            raise Refusal(Reason.PROOF_MISSING, "a bound token with the Bearer scheme", scheme="DPoP")
        expected = Expected(
            method=call.method,
            url=call.url,
            now=now,
            access_token=caller.token,
            jkt=bound.jkt,
            nonce_is_good=lambda nonce: self.nonces.is_good(nonce, now),
        )
        try:
            proof = verify_proof(call.headers.get("dpop", ()), expected)
        except ProofMissing as error:
            raise Refusal(Reason.PROOF_MISSING, str(error)) from error
        except ProofNonceNeeded as error:
            raise Refusal(Reason.PROOF_NONCE, str(error)) from error
        except ProofInvalid as error:
            raise Refusal(Reason.PROOF_INVALID, str(error)) from error
        self._replays.use(proof.jkt, proof.jti, now)
        current = self.nonces.current(now)
        return current if proof.nonce != current else None


def _require_certificate(call: Call, caller: Caller, x5t: str | None) -> None:
    """Raise `Refusal` unless the call came with this very certificate."""
    if caller.scheme != "Bearer":
        raise Refusal(Reason.TOKEN_INVALID, "bound to a certificate, with the DPoP scheme", scheme="Bearer")
    if x5t is None or call.x5t is None:
        raise Refusal(Reason.CERTIFICATE_MISSING, "the call came without a certificate")
    if call.x5t != x5t:
        raise Refusal(Reason.CERTIFICATE_MISMATCH, f"the call came with {call.x5t}")
