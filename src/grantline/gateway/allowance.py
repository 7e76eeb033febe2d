"""How often something may be done: so many times a second, of which those that were needed are given back."""

from grantline.model.clock import Clock

_SECOND_NS = 1_000_000_000


class Allowance:
    """Starts full and fills up again evenly; `most` a second, and no more than that at once."""

    def __init__(self, most: int, clock: Clock) -> None:
        self._most = float(most)
        self._clock = clock
        self._left = self._most
        self._seen_ns = clock.boot_ns()

    def take(self) -> bool:
        """True if there is one left, which is gone then."""
        now = self._clock.boot_ns()
        self._left = min(self._most, self._left + self._most * (now - self._seen_ns) / _SECOND_NS)
        self._seen_ns = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        """It turned out to be no misuse."""
        self._left = min(self._most, self._left + 1)
