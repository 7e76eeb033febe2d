"""Where an investigator's questions are answered from: projections, erased with the person."""

from collections.abc import Sequence
from enum import IntFlag
from typing import NamedTuple, Protocol

import msgspec

from grantline.model.ids import ClientId


class Odd(IntFlag):
    """Why a permitted call is worth a look."""

    AFTER_END = 1
    OTHER_PURPOSE = 2
    AFTER_REFUSAL = 4


class Found(NamedTuple):
    """An entry. Of a call: `decision` and `reason` as its outcome left them, and the upstream's status."""

    idx: int
    decision: str | None = None
    reason: str | None = None
    status: int | None = None


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Producers' times, unix µs: from `since` on, before `until`. `limit`: at most so many, newest first."""

    since: int = 0
    until: int = (1 << 53) - 1
    limit: int = 1_000


class Crowd(msgspec.Struct, frozen=True):
    """How many people a client reached in the hour from unix µs `hour` on."""

    client: ClientId
    hour: int
    people: int


class Investigations(Protocol):
    """Each answer is newest first."""

    def of_people(self, key_ids: Sequence[str], window: Window) -> list[Found]:
        """Calls about the holder of these keys."""
        ...

    def of_client(self, client: ClientId, window: Window) -> list[Found]:
        """Everything a client did or that was done about it."""
        ...

    def of_trace(self, trace: str, window: Window) -> list[Found]:
        """Everything with this W3C trace id."""
        ...

    def of_token(self, jti_hash: str, window: Window) -> list[Found]:
        """A token's issue and uses."""
        ...

    def of_consent(self, ref: str, window: Window) -> list[Found]:
        """A consent's life, without its calls."""
        ...

    def calls_under(self, ref: str, window: Window) -> list[Found]:
        """The calls under a consent."""
        ...

    def of_type(self, kind: str, window: Window) -> list[Found]:
        """Events of one type that are no calls."""
        ...

    def odd(self, mark: Odd, window: Window) -> list[Found]:
        """Permitted calls with this mark."""
        ...

    def crowds(self, more_than: int, window: Window) -> list[Crowd]:
        """Clients that reached more people within an hour, the most first."""
        ...
