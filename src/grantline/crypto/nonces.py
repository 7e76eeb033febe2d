"""Nonces for proofs of possession that need no memory (RFC 9449 §8, §9): a proof cannot be made ahead of its time."""

import hmac

from grantline.crypto.encoding import b64url, unb64url

NONCE_ROTATES = 60
NONCE_LIVES = 300
"""Seconds: how often a new nonce is handed out, and how long one is good."""

_MAC = 16


class Nonces:
    """A nonce is its minute and a MAC over it by `key` (32 bytes): who holds the key knows the nonces of the others.

    A gateway draws its key at each start, so that proofs from before are refused; authorities that share a database
    share theirs.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._current = (0, "")

    def current(self, now: int) -> str:
        """The nonce to hand out at `now` (unix seconds)."""
        made = now - now % NONCE_ROTATES
        if self._current[0] != made:
            self._current = (made, self._nonce(made))
        return self._current[1]

    def is_good(self, nonce: str | None, now: int) -> bool:
        """True if it was handed out not long ago."""
        if nonce is None:
            return False
        if nonce == self._current[1]:
            return now - self._current[0] < NONCE_LIVES
        try:
            made = int.from_bytes(unb64url(nonce)[:8], "big")
        except ValueError:
            return False
        return 0 <= now - made < NONCE_LIVES and hmac.compare_digest(nonce, self._nonce(made))

    def _nonce(self, made: int) -> str:
        stamp = made.to_bytes(8, "big")
        return b64url(stamp + hmac.digest(self._key, stamp, "sha256")[:_MAC])
