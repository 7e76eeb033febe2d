"""The checkpoint's keys: one signs, and after a rotation the one before signs beside it for a month.

So whoever holds the older key has a month to learn of the newer, from the log that both sign for. Old checkpoints stay
verifiable with the key of their time; its public half is never forgotten, its private half is destroyed.
"""

import secrets
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from grantline.crypto.custody.file import read_private, write_private
from grantline.crypto.note import NoteSigner, VerifierKey
from grantline.ledger.files import sync_directory, write_synced
from grantline.model.errors import Conflict

OVERLAP_S = 30 * 86_400
LIST = "keys.json"


class KeyTerm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key in C2SP form and its time, unix seconds: it signs from `since` on, before `until`."""

    vkey: str
    since: int
    until: int | None = None


class SigningKeys:
    """In the signer's own directory: `seed`, `seed.2`, … and the list of their terms."""

    def __init__(self, directory: Path, origin: str, now: Callable[[], float] = time.time) -> None:
        self._directory, self._origin, self._now = directory, origin, now
        self.terms: tuple[KeyTerm, ...] = self._read()
        if not self.terms:
            if not self._seed(1).exists():
                write_private(self._seed(1), secrets.token_bytes(32))
            self._keep((KeyTerm(vkey=str(self._signer(1).verifier), since=int(now())),))
        self._signers: dict[int, NoteSigner] = {}
        self._settle()

    @property
    def newest(self) -> VerifierKey:
        """The key that will be there longest."""
        return VerifierKey.parse(self.terms[-1].vkey)

    def all(self) -> list[VerifierKey]:
        """Every key there ever was."""
        return [VerifierKey.parse(term.vkey) for term in self.terms]

    def sign(self, body: str) -> str:
        """A note with a line of each key whose time it is, the newest first."""
        self._settle()
        newest, *before = (self._signers[n] for n in sorted(self._signers, reverse=True))
        return newest.sign(body) + "".join(each.sign(body)[len(body) + 1 :] for each in before)

    def rotate(self, *, at_once: bool) -> KeyTerm:
        """Begin a new key. `at_once`: the one before signs nothing more, for it may be in other hands.

        Raises `Conflict` while two keys sign already, unless it has to be at once.
        """
        self._settle()
        if len(self._signers) > 1 and not at_once:
            raise Conflict("Two keys sign already: the last rotation is not a month ago.")
        now, number = int(self._now()), len(self.terms) + 1
        # One that a crash left here was never in the list, and signed nothing.
        self._seed(number).unlink(missing_ok=True)
        write_private(self._seed(number), secrets.token_bytes(32))
        sync_directory(self._directory)
        term = KeyTerm(vkey=str(self._signer(number).verifier), since=now)
        ending = now if at_once else now + OVERLAP_S
        earlier = tuple(
            each if each.until is not None and each.until <= ending else msgspec.structs.replace(each, until=ending)
            for each in self.terms
        )
        self._keep((*earlier, term))
        self._settle()
        return term

    def _settle(self) -> None:
        """Open the keys whose time it is; destroy those whose time is over."""
        now = self._now()
        for number, term in enumerate(self.terms, 1):
            if term.until is not None and term.until <= now:
                self._signers.pop(number, None)
                self._seed(number).unlink(missing_ok=True)
            elif number not in self._signers:
                self._signers[number] = self._signer(number)

    def _signer(self, number: int) -> NoteSigner:
        return NoteSigner(self._origin, read_private(self._seed(number)))

    def _seed(self, number: int) -> Path:
        return self._directory / ("seed" if number == 1 else f"seed.{number}")

    def _read(self) -> tuple[KeyTerm, ...]:
        path = self._directory / LIST
        return msgspec.json.decode(path.read_bytes(), type=tuple[KeyTerm, ...]) if path.exists() else ()

    def _keep(self, terms: tuple[KeyTerm, ...]) -> None:
        write_synced(self._directory / LIST, msgspec.json.encode(terms))
        self.terms = terms
