"""Legal holds: while one stands, what it is about is neither purged nor erased nor pruned.

A file of its own, one JSON document a line, synced before it counts. Nothing is ever removed from it.
"""

from pathlib import Path

import msgspec

from grantline.ledger.files import append_line
from grantline.model.errors import AuditUnavailable, Conflict, NotFound
from grantline.model.ids import PersonId


class HoldOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Who puts what on hold, and why. `person` None: everything."""

    by: str
    reason: str
    person: PersonId | None = None


class LiftOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Who lifts which hold, and why."""

    by: str
    reason: str
    hold: str


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """`keys`: of the person, at that time. `lifted`: when, in unix µs; None while it stands."""

    id: str
    at: int
    by: str
    reason: str
    person: PersonId | None
    lifted: int | None = None


class _Lifted(msgspec.Struct, frozen=True, kw_only=True):
    """A later line about a hold."""

    lift: str
    at: int
    by: str
    reason: str


class Holds:
    """The list."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> tuple[Hold, ...]:
        """In order, lifted ones too. A last line that was cut short by a crash never counted."""
        if not self._path.exists():
            return ()
        found: dict[str, Hold] = {}
        for line in self._path.read_bytes().split(b"\n")[:-1]:
            said = msgspec.json.decode(line, type=dict[str, object])
            if "lift" in said:
                lifted = msgspec.convert(said, _Lifted)
                found[lifted.lift] = msgspec.structs.replace(found[lifted.lift], lifted=lifted.at)
            else:
                hold = msgspec.convert(said, Hold)
                found[hold.id] = hold
        return tuple(found.values())

    def standing(self) -> tuple[Hold, ...]:
        """Those that were not lifted."""
        return tuple(hold for hold in self.all() if hold.lifted is None)

    def put(self, hold: Hold) -> None:
        """Raises `AuditUnavailable` when it cannot be kept."""
        self._add(msgspec.json.encode(hold))

    def lift(self, order: LiftOrder, at: int) -> None:
        """Raises `NotFound`, `Conflict` if it was lifted before, or `AuditUnavailable`."""
        hold = next((each for each in self.all() if each.id == order.hold), None)
        if hold is None:
            raise NotFound(f"There is no hold {order.hold}.")
        if hold.lifted is not None:
            raise Conflict(f"The hold {order.hold} was lifted before.")
        self._add(msgspec.json.encode(_Lifted(lift=order.hold, at=at, by=order.by, reason=order.reason)))

    def _add(self, line: bytes) -> None:
        try:
            append_line(self._path, line)
        except OSError as error:
            raise AuditUnavailable("The list of holds could not be written.", detail=str(error)) from error
