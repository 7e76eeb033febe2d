"""Guessing gets slower and slower, per account and per address, without telling which accounts exist (check 53)."""

from typing import Protocol

from grantline.identity.store import GuessRow, GuessRows

FREE_ATTEMPTS = 5
LONGEST_WAIT = 900
FORGET_AFTER = 3_600


class Transaction(Protocol):
    """What counting takes."""

    @property
    def guesses(self) -> GuessRows: ...


async def seconds_to_wait(tx: Transaction, keys: tuple[str, ...], now: int) -> int:
    """How long the strictest of these keys has to wait; 0 means go on."""
    waits = [row.wait_until - now for key in keys if (row := await tx.guesses.get(key)) is not None]
    return max([0, *waits])


async def note_failure(tx: Transaction, keys: tuple[str, ...], now: int) -> None:
    """One more wrong guess: after the free attempts each doubles the wait."""
    for key in keys:
        row = await tx.guesses.get(key)
        failures = 1 if row is None or now - row.last_at > FORGET_AFTER else row.failures + 1
        beyond = failures - FREE_ATTEMPTS
        wait = min(LONGEST_WAIT, 2**beyond) if beyond >= 0 else 0
        await tx.guesses.put(GuessRow(key, failures, now + wait, now))


async def note_success(tx: Transaction, key: str) -> None:
    """The account's own count starts anew; the address keeps its count, or one good login would free a guesser."""
    await tx.guesses.clear(key)
