"""A password: argon2id (RFC 9106), a few at a time, and as slow for unknown names as for known ones."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from grantline.identity.levels import BY_PASSWORD
from grantline.model.errors import InvalidRequest

METHOD = "password"
PROOF = BY_PASSWORD
SHORTEST = 12
LONGEST = 256


class Hashing:
    """argon2id in a bounded pool: each takes tens of milliseconds and 19 MiB (OWASP profile: t=2, m=19 MiB, p=1)."""

    def __init__(self, workers: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="argon2")
        self._nobody = self._hasher.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """The encoded hash of an acceptable password; `InvalidRequest` says what is wrong with another."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidRequest(f"Use {SHORTEST} to {LONGEST} characters.")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._hasher.hash, password)

    async def matches(self, encoded: str | None, password: str) -> bool:
        """Whether they match; takes as long for a person without a password as for one with."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._verify, encoded, password[:LONGEST])

    def _verify(self, encoded: str | None, password: str) -> bool:
        try:
            self._hasher.verify(encoded or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return encoded is not None
