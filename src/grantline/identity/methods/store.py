"""What is kept of the ways to sign in besides passwords, and of what was begun and not finished."""

from dataclasses import dataclass, field
from typing import Protocol

from grantline.model.ids import PersonId


@dataclass(frozen=True, slots=True)
class PasskeyRow:
    """One passkey. `id`: the credential's id, base64url; `public_key`: COSE; times are unix seconds.

    `counter`: signatures as the authenticator counts them, 0 for those that do not. `synced`: it may be on several
    devices, as the authenticator says.
    """

    id: str
    person: PersonId
    name: str
    public_key: bytes
    counter: int
    synced: bool
    made_at: int
    used_at: int | None = None


@dataclass(frozen=True, slots=True)
class TotpRow:
    """A person's app for codes. `last_step`: of the last code that was accepted (RFC 6238 §5.2)."""

    person: PersonId
    sealed: bytes = field(repr=False)
    last_step: int
    made_at: int


@dataclass(frozen=True, slots=True)
class LinkRow:
    """An account elsewhere that signs in here. `issuer` and `sub` together name it, and nothing else does."""

    issuer: str
    sub: str
    person: PersonId
    made_at: int


@dataclass(frozen=True, slots=True)
class CeremonyRow:
    """What was begun: its kind, for whom (None: not known yet), and what belongs to it, encoded."""

    id: str
    kind: str
    person: PersonId | None
    body: bytes = field(repr=False)
    ends_at: int


class PasskeyRows(Protocol):
    """Passkeys."""

    async def add(self, row: PasskeyRow) -> bool:
        """Keep a new one; False when its id is known already, whoever has it."""
        ...

    async def get(self, id: str) -> PasskeyRow | None:
        """The passkey with this credential id."""
        ...

    async def of(self, person: PersonId) -> tuple[PasskeyRow, ...]:
        """The person's passkeys, oldest first."""
        ...

    async def used(self, id: str, before: int, counter: int, now: int) -> bool:
        """It signed: keep the new count. False when the old one is not `before` any more, or it is gone."""
        ...

    async def remove(self, person: PersonId, id: str) -> bool:
        """Take it away; False when this person has none such."""
        ...


class TotpRows(Protocol):
    """Apps for codes, at most one for each person."""

    async def put(self, row: TotpRow) -> None:
        """Keep it, in place of an earlier one."""
        ...

    async def of(self, person: PersonId) -> TotpRow | None:
        """The person's app."""
        ...

    async def used(self, person: PersonId, step: int) -> bool:
        """A code of this step was typed; False when one of this step or later was typed before."""
        ...

    async def remove(self, person: PersonId) -> bool:
        """Take it away; False when there was none."""
        ...


class RecoveryRows(Protocol):
    """Recovery codes, by their keyed digests."""

    async def replace(self, person: PersonId, digests: tuple[str, ...]) -> None:
        """These are the person's codes now; none: there are no codes any more."""
        ...

    async def spend(self, person: PersonId, digest: str, now: int) -> bool:
        """Use one up: True the first time, False ever after and for what is no code of this person."""
        ...

    async def left(self, person: PersonId) -> int | None:
        """How many are unused; None when none were made."""
        ...


class LinkRows(Protocol):
    """Accounts elsewhere."""

    async def add(self, row: LinkRow) -> bool:
        """Keep a new link; False when this account is linked already, whoever has it."""
        ...

    async def find(self, issuer: str, sub: str) -> LinkRow | None:
        """Who signs in with this account."""
        ...

    async def of(self, person: PersonId) -> tuple[LinkRow, ...]:
        """The person's links, oldest first."""
        ...

    async def remove(self, person: PersonId, issuer: str) -> bool:
        """Take the person's link to this issuer away; False when there was none."""
        ...


class CeremonyRows(Protocol):
    """Begun and not finished."""

    async def add(self, row: CeremonyRow) -> None:
        """Keep it."""
        ...

    async def find(self, id: str, kind: str, now: int) -> CeremonyRow | None:
        """The one of this kind, if it is unused and not over."""
        ...

    async def burn(self, id: str, kind: str, now: int) -> CeremonyRow | None:
        """Use it up: the row the first time, None ever after."""
        ...

    async def sweep(self, now: int) -> None:
        """Forget what is over."""
        ...
