"""Asks witnesses to cosign what was published (C2SP tlog-witness, the log's side). Writing never waits for it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx2
import structlog

from grantline.crypto.cosignature import WitnessKey, cosigned
from grantline.crypto.merkle import consistency_proof
from grantline.crypto.note import MAX_NOTE, Checkpoint, InvalidNote, VerifierKey, open_checkpoint
from grantline.crypto.tiles import subtrees
from grantline.ledger.published import WITNESSED, MissingTile, Published
from grantline.ledger.witness.policy import NONE, Policy, Watcher
from grantline.ledger.witness.request import AddCheckpoint
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable

TIMEOUT_S = 10.0
TRIES = 3
"""A witness that knows another size says so; then it is asked once more from there."""
_log = structlog.get_logger(__name__)

Finding = Callable[[str, dict[str, object]], Awaitable[None]]
"""Puts into the record what must not happen: code and detail."""


class WitnessRefuses(Exception):
    """A witness says that this is no continuation of what it saw."""


class WitnessSilent(Exception):
    """A witness did not answer, or not with a cosignature."""


@dataclass(slots=True)
class _Memory:
    """What is known of the witnesses: how far each has seen, who was told to refuse, since when nobody cosigned."""

    sizes: dict[WitnessKey, int] = field(default_factory=dict)
    refusing: set[WitnessKey] = field(default_factory=set)
    moment: int = 0
    size: int = -1
    late: bool = False


class Asking:
    """One log's side. `finding` is told when a witness refuses and when no quorum was heard of for `alarm_s`."""

    def __init__(
        self, published: Published, policy: Policy, http: httpx2.AsyncClient, clock: Clock, finding: Finding, *,
        alarm_s: int,
    ) -> None:  # fmt: skip
        self._published, self._policy, self._http, self._clock = published, policy, http, clock
        self._finding, self._alarm_s = finding, alarm_s
        self._memory = _Memory(moment=self._now())
        self._remember()

    async def keep_asking(self, every_s: float) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.ask()
            except (OSError, MissingTile, InvalidNote, AuditUnavailable) as error:
                _log.warning("witnesses_not_asked", error=str(error))
            await asyncio.sleep(every_s)

    async def ask(self) -> None:
        """Have what is published now cosigned, if it grew or its cosignatures grow old; tell if nobody does."""
        note, vkey = self._published.checkpoint(), self._published.vkey()
        if note is None or vkey is None:
            return
        checkpoint = open_checkpoint(note, VerifierKey.parse(vkey))
        if checkpoint.size != self._memory.size or self._age() > self._alarm_s // 2:
            lines = await self._ask_all(note, checkpoint)
            self._publish(note, lines, checkpoint)
        await self._tell_age()

    async def _ask_all(self, note: str, checkpoint: Checkpoint) -> list[str]:
        asked = [each for each in self._policy.witnesses.values() if each.url]
        answers = await asyncio.gather(*(self._line(each, note, checkpoint) for each in asked), return_exceptions=True)
        lines: list[str] = []
        for watcher, answer in zip(asked, answers, strict=True):
            if isinstance(answer, str):
                self._memory.refusing.discard(watcher.key)
                lines.append(answer)
            else:
                await self._complain(watcher, checkpoint, answer)
        return lines

    async def _complain(self, watcher: Watcher, checkpoint: Checkpoint, error: BaseException) -> None:
        name = watcher.key.name
        if isinstance(error, WitnessRefuses):
            _log.error("witness_refuses", witness=name, size=checkpoint.size, reason=str(error))
            if watcher.key not in self._memory.refusing:
                await self._finding("witness_refuses", {"witness": name, "size": checkpoint.size, "reason": str(error)})
                self._memory.refusing.add(watcher.key)
        elif isinstance(error, (WitnessSilent, OSError, MissingTile)):
            _log.warning("witness_silent", witness=name, reason=str(error))
        else:
            raise error

    async def _line(self, watcher: Watcher, note: str, checkpoint: Checkpoint) -> str:
        """This witness's verified line. Raises `WitnessRefuses` or `WitnessSilent`."""
        old = min(self._memory.sizes.get(watcher.key, 0), checkpoint.size)
        for _ in range(TRIES):
            proof = await asyncio.to_thread(self._proof, old, checkpoint.size)
            status, text = await self._post(watcher, AddCheckpoint(old, tuple(proof), note, checkpoint))
            if status == HTTPStatus.OK:
                self._memory.sizes[watcher.key] = checkpoint.size
                return _own_line(watcher.key, note, text)
            if status != HTTPStatus.CONFLICT:
                break
            known = _size(text)
            if known == old:
                raise WitnessRefuses(f"it saw another root for {old} entries")
            if known > checkpoint.size:
                raise WitnessRefuses(f"it saw {known} entries, {checkpoint.size} are shown")
            old = known
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise WitnessRefuses(f"what is shown does not continue the {old} entries that it saw")
        raise WitnessSilent(f"answered {status}")

    def _proof(self, old: int, size: int) -> list[bytes]:
        return consistency_proof(old, size, subtrees(size, self._published.tile))

    async def _post(self, watcher: Watcher, asked: AddCheckpoint) -> tuple[int, str]:
        try:
            async with self._http.stream("POST", f"{watcher.url}/add-checkpoint", content=asked.to_bytes()) as answer:
                data = b""
                async for part in answer.aiter_bytes():
                    data += part
                    if len(data) > MAX_NOTE:
                        raise WitnessSilent("answered too much")
                return answer.status_code, data.decode()
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeDecodeError) as error:
            raise WitnessSilent(f"{type(error).__name__}: {error}") from error

    def _publish(self, note: str, lines: list[str], checkpoint: Checkpoint) -> None:
        whole = note + "".join(lines)
        seen_by = cosigned(whole, self._policy.keys)
        if seen_by and self._policy.met(seen_by):
            self._published.write(WITNESSED, whole.encode())
            self._memory.size, self._memory.moment = checkpoint.size, self._newest(seen_by)

    async def _tell_age(self) -> None:
        late = self._age() > self._alarm_s and self._policy.quorum != NONE
        if late and not self._memory.late:
            _log.error("witnesses_late", age_s=self._age())
            await self._finding("witnesses_late", {"age": self._age(), "size": self._memory.size})
        self._memory.late = late

    def _age(self) -> int:
        """Seconds since the newest cosignature of a quorum, or since we began to ask."""
        return max(0, self._now() - self._memory.moment)

    def _newest(self, seen_by: dict[WitnessKey, int]) -> int:
        """When the newest cosignature was made; a witness whose clock runs ahead does not make it newer than now."""
        return min(max(seen_by.values()), self._now())

    def _now(self) -> int:
        return self._clock.wall_us() // 1_000_000

    def _remember(self) -> None:
        """Cosignatures of an earlier run count, so a restart does not hide how old they are."""
        note = self._published.witnessed()
        if note is None:
            return
        try:
            seen_by = cosigned(note, self._policy.keys)
        except InvalidNote:
            return
        if self._policy.met(seen_by) and seen_by:
            self._memory.moment = self._newest(seen_by)


def client() -> httpx2.AsyncClient:
    """Asks witnesses; no answer of theirs can hold it for long, and none sends it elsewhere."""
    return httpx2.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False)


def _own_line(key: WitnessKey, note: str, text: str) -> str:
    """The one line of this witness in its answer that is good; others are not taken over."""
    for line in text.splitlines(keepends=True):
        try:
            if line.endswith("\n") and key in cosigned(note + line, [key]):
                return line
        except InvalidNote as error:
            raise WitnessSilent(f"answered no cosignature of its key: {error}") from error
    raise WitnessSilent("answered no cosignature of its key")


def _size(text: str) -> int:
    if not text.strip().isdecimal() or len(text) > 20:
        raise WitnessSilent("answered 409 without a size")
    return int(text)
