"""How sure a sign-in is: what it may call itself (`acr`), by what it was done (`amr`), and whether that is enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from grantline.model.levels import (
    HARDWARE_PROTECTED,
    MET_BY,
    MFA,
    PASSKEY,
    PASSWORD,
    PHISHING_RESISTANT,
    SUPPORTED,
    UPSTREAM,
)

__all__ = [
    "BY_CODE",
    "BY_PASSKEY",
    "BY_PASSWORD",
    "HARDWARE_PROTECTED",
    "MET_BY",
    "MFA",
    "ONE_FACTOR",
    "PASSKEY",
    "PASSWORD",
    "PHISHING_RESISTANT",
    "SUPPORTED",
    "UPSTREAM",
    "Proof",
    "SignedIn",
    "needs_more_than_one_factor",
    "satisfies",
    "told",
]

ONE_FACTOR = frozenset({PASSWORD, UPSTREAM})


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody has shown. `amr`: RFC 8176 names; `acr`: one of the values above that sign-ins have.

    `at`: unix seconds, where it was shown elsewhere and not just now.
    """

    amr: tuple[str, ...]
    acr: str
    at: int | None = None

    @property
    def is_one_factor(self) -> bool:
        """Whether a second factor would still say something new."""
        return self.acr in ONE_FACTOR

    def followed_by(self, second: "Proof") -> "Proof":
        """Both together: at least two factors; resistant to phishing if the second one is."""
        amr = dict.fromkeys((*self.amr, *second.amr, "mfa"))
        return Proof(tuple(amr), PASSKEY if second.acr == PASSKEY else MFA)


BY_PASSWORD = Proof(("pwd",), PASSWORD)
# A passkey here always verifies its user: something one has, and something one knows or is.
BY_PASSKEY = Proof(("pop", "user", "mfa"), PASSKEY)
# Never alone: what follows another factor.
BY_CODE = Proof(("otp",), MFA)


class SignedIn(Protocol):
    """What is judged of a session."""

    @property
    def acr(self) -> str: ...
    @property
    def auth_time(self) -> int: ...


def satisfies(session: SignedIn, acr_values: Sequence[str], max_age: int | None, now: int) -> bool:
    """Whether the sign-in is of one of these levels (none asked: any) and at most `max_age` seconds old.

    RFC 9470 §3, OIDC Core §3.1.2.1. A value that nobody knows is met by nothing. `now`: unix seconds; for a request
    that waits, the time at which it came, so that thinking about the answer costs nothing.
    """
    if max_age is not None and session.auth_time < now - max_age:
        return False
    return not acr_values or any(session.acr in MET_BY.get(value, ()) for value in acr_values)


def told(session: SignedIn, acr_values: Sequence[str]) -> str:
    """The level in the words of whoever asked: the first of their values that it meets, else its own name."""
    return next((value for value in acr_values if session.acr in MET_BY.get(value, ())), session.acr)


def needs_more_than_one_factor(acr_values: Sequence[str]) -> bool:
    """Whether none of these values can be met by one factor alone."""
    return bool(acr_values) and not any(ONE_FACTOR & MET_BY.get(value, frozenset()) for value in acr_values)
