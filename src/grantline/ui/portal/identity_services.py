"""What the pages ask about signing in, step by step (identity). A `Visit` says from which browser somebody comes."""

from collections.abc import Mapping
from typing import Protocol

from grantline.identity import (
    Asked,
    Methods,
    NeedsSecond,
    Returned,
    SecondStep,
    Session,
    TooMany,
    TotpOffer,
    UpstreamSettings,
    Visit,
    Wrong,
)
from grantline.model.ids import PersonId

Outcome = Session | NeedsSecond | Wrong | TooMany
"""A new session carries the secret for its cookie, never one the browser had before (check 35)."""


class SignIn(Protocol):
    """What is typed. `step`: the secret of a sign-in whose second step is due."""

    async def password(self, username: str, given: str, visit: Visit) -> Outcome: ...

    async def waiting(self, step: str | None) -> SecondStep | None:
        """Who has taken the first step; None when nobody has, or too long ago."""
        ...

    async def may_go_on(self, session: Session) -> bool:
        """Whether `again` leads to the second step."""
        ...

    async def again(self, session: Session) -> NeedsSecond | None:
        """The second step alone, for a session whose first one is fresh."""
        ...

    async def code(self, step: str, given: str, visit: Visit) -> Outcome | None:
        """The second step; None when it is over."""
        ...


class Passkeys(Protocol):
    """Passkeys. `browser`: the secret that names this browser."""

    async def ask(self, browser: str, step: str | None = None) -> Asked:
        """A challenge to sign in with. Raises `NotFound` when the step is over."""
        ...

    async def sign_in(
        self, handle: str, credential: str, browser: str, visit: Visit, step: str | None = None
    ) -> Outcome | None:
        """None: it was not begun here, or it is over."""
        ...

    async def ask_to_add(self, session: Session) -> Asked:
        """A challenge to make one. Raises `Conflict` when there are too many."""
        ...

    async def add(self, session: Session, handle: str, credential: str, name: str, visit: Visit) -> Session:
        """Raises `InvalidRequest` or `Conflict` with words for the person."""
        ...


class OwnMethods(Protocol):
    """A person's ways to sign in. Changes raise `LoginRequired` when the sign-in is not recent enough."""

    async def of(self, person: PersonId) -> Methods: ...

    async def require_fresh(self, session: Session) -> None: ...

    async def offer_totp(self, session: Session, operator: str) -> TotpOffer: ...

    async def offered_totp(self, session: Session, handle: str, operator: str) -> TotpOffer: ...

    async def add_totp(self, session: Session, handle: str, code: str, visit: Visit) -> Session | Wrong: ...

    async def remove_totp(self, session: Session) -> None: ...

    async def remove_passkey(self, session: Session, id: str) -> None: ...

    async def remove_link(self, session: Session, issuer: str) -> None: ...

    async def new_recovery_codes(self, session: Session) -> tuple[str, ...]: ...

    async def change_password(
        self, session: Session, current: str, new: str, visit: Visit
    ) -> Session | Wrong | TooMany: ...


class Providers(Protocol):
    """Other OpenID providers whose people may sign in here."""

    def all(self) -> tuple[UpstreamSettings, ...]: ...

    async def leave(
        self, name: str, browser: str, *, onward: str, acr: str = "", link: Session | None = None, again: bool = False
    ) -> str:
        """The address to go to. Raises `NotFound` or `TemporarilyUnavailable`."""
        ...

    async def back(
        self, name: str, answer: Mapping[str, str], browser: str, visit: Visit, session: Session | None
    ) -> Returned | None:
        """None: the browser did not leave from here. Raises `Conflict` when the account is linked already."""
        ...
