"""A new checkpoint key: the signer makes it, the log tells of it, and whoever reads the log finds it published."""

import hashlib

import msgspec

from grantline.ledger.findings import OwnStream
from grantline.ledger.publisher import Publisher
from grantline.ledger.signer import SignerClient
from grantline.ledger.signing_keys import KeyTerm
from grantline.ledger.store import EntryStore
from grantline.model.errors import InvalidRequest
from grantline.model.events import EventType
from grantline.model.ids import event_id

MOST_TEXT = 500


class RotateOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Who has the key changed, and why. `at_once`: the one before is not to sign beside it."""

    by: str
    reason: str
    at_once: bool = False


class Rotation:
    """Of a running ledger."""

    def __init__(self, signer: SignerClient, publisher: Publisher, entries: EntryStore, stream: OwnStream) -> None:
        self._signer, self._publisher, self._entries, self._stream = signer, publisher, entries, stream

    async def rotate(self, order: RotateOrder) -> KeyTerm:
        """The new key. Raises `Conflict` while two keys sign already, `InvalidRequest` or `AuditUnavailable`."""
        if not (0 < len(order.by) <= MOST_TEXT and 0 < len(order.reason) <= MOST_TEXT):
            raise InvalidRequest(f"Say who and why, in at most {MOST_TEXT} characters.")
        terms = await self._signer.rotate(at_once=order.at_once)
        await self._tell(terms[-1], by=order.by, reason=order.reason, at_once=order.at_once)
        await self._publisher.refresh_keys()
        return terms[-1]

    async def finish(self) -> None:
        """After a start: tell of keys that a crash left untold."""
        first, *later = await self._signer.terms()
        del first  # It came with the log.
        for term in later:
            await self._tell(term)

    async def _tell(self, term: KeyTerm, **more: object) -> None:
        named = hashlib.sha256(b"checkpoint key\0" + term.vkey.encode()).digest()
        event = event_id(lambda size: named[:size], term.since * 1_000_000)
        if self._entries.find([event]):
            return
        detail: dict[str, object] = {"key": "checkpoint", "vkey": term.vkey, "since": term.since, **more}
        await self._stream.tell(EventType.KEY_ROTATED, "rotate", detail, event_id=event)
