"""What this server reads at addresses that registrations name, always through the guard (check 133)."""

from typing import Any

import msgspec

from grantline.fetching import JWKS, REQUEST_OBJECT, SECTOR, Bounds, CannotFetch, Fetcher, Kept
from grantline.model.clock import Clock
from grantline.model.errors import TemporarilyUnavailable
from grantline.model.reading import decoded

KEY_BOUNDS = Bounds(least=60, most=86_400, unsaid=3_600)
KEYS_AT_MOST_EVERY_S = 60
MOST_DOCUMENTS = 2_000
MOST_KEYS = 32


class Remote:
    """Implements `Fetch`. Failures are told in the same words whatever was there, so nobody can look around with us."""

    def __init__(self, fetcher: Fetcher, clock: Clock) -> None:
        self._fetcher = fetcher
        self._keys: Kept[tuple[dict[str, Any], ...]] = Kept(
            fetcher, clock, JWKS, _read_keys, bounds=KEY_BOUNDS, most=MOST_DOCUMENTS
        )

    async def keys(self, url: str) -> tuple[dict[str, Any], ...]:
        """The public keys of a JWK set, kept as its headers say. Raises `TemporarilyUnavailable`."""
        try:
            return await self._keys.get(url)
        except CannotFetch as error:
            raise _unavailable(error) from error

    async def newer_keys(self, url: str) -> tuple[dict[str, Any], ...]:
        """The same when one was missing: asked anew, but at most once a minute. Raises `TemporarilyUnavailable`."""
        try:
            return await self._keys.newer(url, KEYS_AT_MOST_EVERY_S)
        except CannotFetch as error:
            raise _unavailable(error) from error

    async def request_object(self, url: str) -> str:
        """A signed request (RFC 9101 §5.2). Raises `TemporarilyUnavailable`."""
        try:
            return (await self._fetcher.get(url, REQUEST_OBJECT)).body.decode("ascii")
        except (CannotFetch, UnicodeDecodeError) as error:
            raise _unavailable(error) from error

    async def redirect_uris(self, url: str) -> tuple[str, ...]:
        """The addresses of one sector (OIDC Registration §5). Raises `TemporarilyUnavailable`."""
        try:
            return decoded((await self._fetcher.get(url, SECTOR)).body, tuple[str, ...])
        except (CannotFetch, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _unavailable(error) from error


def _read_keys(body: bytes) -> tuple[dict[str, Any], ...]:
    """The set's public keys; a set that holds a private or a shared one is refused whole."""
    found = decoded(body, dict[str, Any]).get("keys")
    if not isinstance(found, list) or len(found) > MOST_KEYS or not all(isinstance(key, dict) for key in found):
        raise ValueError("no list of keys")
    if any("d" in key or "k" in key for key in found):
        raise ValueError("a key that is not public")
    return tuple(found)


def _unavailable(error: Exception) -> TemporarilyUnavailable:
    detail = error.detail if isinstance(error, CannotFetch) else repr(error)[:200]
    return TemporarilyUnavailable("An address that the client is registered with could not be read.", detail=detail)
