"""When a key's life goes on. Pure: from what is stored, the time and the rules to what is due."""

from collections.abc import Sequence
from dataclasses import dataclass

from grantline.authorization.keys.store import KeyRow, KeyState

SLACK_S = 120
"""Beyond any cache's age and any token's end: for clocks, and for processes that have not looked yet."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long everything takes, in seconds. `longest_token`: the longest that anything we sign is valid."""

    algorithms: tuple[str, ...]
    rotate_every: int
    jwks_max_age: int
    longest_token: int

    @property
    def publish_for(self) -> int:
        """How long a key is published before it signs: nobody's copy of the JWKS is older then."""
        return self.jwks_max_age + SLACK_S

    @property
    def verify_for(self) -> int:
        """How long a retired key still verifies."""
        return self.longest_token + SLACK_S


@dataclass(frozen=True, slots=True)
class Introduce:
    """An algorithm without any key gets one that signs at once: nobody has a JWKS of it."""

    alg: str


@dataclass(frozen=True, slots=True)
class Publish:
    """The next key of this algorithm is shown."""

    alg: str


@dataclass(frozen=True, slots=True)
class Activate:
    """The published key signs from now on; `former`, if any, only verifies."""

    key: KeyRow
    former: KeyRow | None


@dataclass(frozen=True, slots=True)
class Remove:
    """Nothing needs this key any more."""

    key: KeyRow


@dataclass(frozen=True, slots=True)
class Retire:
    """The settings do not name this key's algorithm any more."""

    key: KeyRow


Due = Introduce | Publish | Activate | Remove | Retire


def due(rows: Sequence[KeyRow], terms: Terms, now: int) -> list[Due]:
    """Everything that is to be done now (unix seconds), for each algorithm at most one step."""
    acts: list[Due] = []
    for alg in terms.algorithms:
        acts += _next_step(alg, rows, terms, now)
    for row in rows:
        match row.state:
            case KeyState.RETIRED if now >= (row.verifies_until or 0):
                acts.append(Remove(row))
            case KeyState.ACTIVE if row.alg not in terms.algorithms:
                acts.append(Retire(row))
            case KeyState.PUBLISHED if row.alg not in terms.algorithms:
                acts.append(Remove(row))
    return acts


def _next_step(alg: str, rows: Sequence[KeyRow], terms: Terms, now: int) -> list[Due]:
    active, following = (the(rows, alg, state) for state in (KeyState.ACTIVE, KeyState.PUBLISHED))
    if active is None:
        return [Introduce(alg)] if following is None else [Activate(following, None)]
    if following is None:
        return [Publish(alg)] if now >= (active.active_at or 0) + terms.rotate_every - terms.publish_for else []
    return [Activate(following, active)] if now >= following.published_at + terms.publish_for else []


def the(rows: Sequence[KeyRow], alg: str, state: KeyState) -> KeyRow | None:
    """The one key of this algorithm that is in this state."""
    return next((row for row in rows if row.alg == alg and row.state is state), None)
