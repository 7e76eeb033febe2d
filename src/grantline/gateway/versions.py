"""Enforced versions, fetched once each: immutable, so a copy never grows old. Signature and name are verified.

A copy counts while the key that signed it is one of the authority's: what a compromised key signed is fetched again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from grantline.crypto.es256 import InvalidJws, KeyFinder
from grantline.crypto.versions import verify_version
from grantline.model.clock import Clock
from grantline.model.consent import EnforcedVersion
from grantline.model.ids import ConsentId
from grantline.model.reasons import Reason

CAPACITY = 10_000
UNKNOWN_FOR_NS = 5_000_000_000

Key = tuple[ConsentId, int]
_NOTHING = None, ""
Fetch = Callable[[ConsentId, int], Awaitable[EnforcedVersion | None]]
"""Asks the authority; None: it has none for this gateway. Raises what its transport raises."""


class Versions:
    """A bounded copy of what was fetched, least recently used first out.

    `failures` is told the operator's sentence for each refusal that was not a plain lack of the version.
    """

    def __init__(
        self,
        fetch: Fetch,
        find: KeyFinder,
        clock: Clock,
        *,
        capacity: int = CAPACITY,
        failures: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._fetch = fetch
        self._find = find
        self._clock = clock
        self._capacity = capacity
        self._failures = failures
        self._kept: OrderedDict[Key, tuple[EnforcedVersion, str]] = OrderedDict()
        self._unknown: OrderedDict[Key, int] = OrderedDict()
        self._under_way: dict[Key, asyncio.Future[EnforcedVersion | Reason]] = {}

    def cached(self, consent: ConsentId, version: int) -> EnforcedVersion | None:
        """The version if it is here, without waiting."""
        key = (consent, version)
        kept, signer = self._kept.get(key, _NOTHING)
        if kept is None:
            return None
        if self._find(signer) is None:
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return kept

    async def get(self, consent: ConsentId, version: int) -> EnforcedVersion | Reason:
        """The version, fetched if need be; `consent_unavailable` if that fails or the authority has none for us.

        Callers that ask for one version at the same time share one fetch; a caller that gives up does not end it.
        """
        kept = self.cached(consent, version)
        if kept is not None:
            return kept
        key = (consent, version)
        if self._unknown.get(key, 0) > self._clock.boot_ns():
            return Reason.CONSENT_UNAVAILABLE
        running = self._under_way.get(key)
        if running is None:
            running = asyncio.ensure_future(self._obtain(key))
            self._under_way[key] = running
            running.add_done_callback(lambda _done: self._under_way.pop(key, None))
        return await asyncio.shield(running)

    async def _obtain(self, key: Key) -> EnforcedVersion | Reason:
        try:
            found = await self._fetch(*key)
        except Exception as error:  # Whatever the transport raises, the call is refused and the next one may try.
            self._failures(f"version {key[1]} of {key[0]} could not be fetched: {error!r}")
            return Reason.CONSENT_UNAVAILABLE
        if found is None:
            self._remember_unknown(key)
            return Reason.CONSENT_UNAVAILABLE
        try:
            signer = verify_version(found, self._find)
        except InvalidJws as error:
            self._failures(f"version {key[1]} of {key[0]} is not the authority's: {error}")
            return Reason.CONSENT_UNAVAILABLE
        if (found.consent_id, found.version) != key:
            self._failures(f"asked for version {key[1]} of {key[0]}, was given {found.version} of {found.consent_id}")
            return Reason.CONSENT_UNAVAILABLE
        self._keep(key, found, signer)
        return found

    def _keep(self, key: Key, version: EnforcedVersion, signer: str) -> None:
        self._kept[key] = version, signer
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)

    def _remember_unknown(self, key: Key) -> None:
        """A short memory, so that a flood of calls with one foreign token is one question in five seconds."""
        self._unknown[key] = self._clock.boot_ns() + UNKNOWN_FOR_NS
        self._unknown.move_to_end(key)
        while len(self._unknown) > self._capacity:
            self._unknown.popitem(last=False)
