"""Where things stand in a picture. Places across are shares of the width in percent, heights are pixels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

NICE = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Line:
    """The line of a grant. `over`: it does not run any more; `halted`: somebody ended it early."""

    given: float
    now: float
    reached: float
    end: float
    ahead: tuple[float, float] | None
    over: bool
    halted: bool
    paused: bool


@dataclass(frozen=True, slots=True)
class Scale:
    """Times to shares: `middle` stands at `at` percent, one percent is `unit` seconds."""

    middle: float
    at: float
    unit: float
    apart: float = 0.0

    def __call__(self, seconds: float) -> float:
        """The share in percent, one decimal. Never so near to the middle that two marks hide each other."""
        share = (seconds - self.middle) / self.unit
        if self.apart and share and abs(share) < self.apart:
            share = self.apart if share > 0 else -self.apart
        return round(self.at + share, 1)


def shared_scale(times: Sequence[float], now: float) -> Scale:
    """One scale for many lines with today in the middle, so that they compare down a list."""
    furthest = max((abs(time - now) for time in times), default=1.0)
    return Scale(now, 50.0, max(furthest, 1.0) / 46.0, apart=4.5)


def own_scale(start: float, end: float) -> Scale:
    """From start to end over the whole width, with room for the marks."""
    return Scale(start, 2.0, max(end - start, 1.0) / 96.0)


def line(
    scale: Scale, *, given: float, until: float, now: float, ended: float | None, halted: bool, paused: bool
) -> Line:
    """`ended`: when it stopped running, None while it runs. All times in unix seconds."""
    reached = now if ended is None else ended
    return Line(
        given=scale(given),
        now=scale(now),
        reached=scale(reached),
        end=scale(until if ended is None else ended),
        ahead=(scale(now), scale(until)) if ended is None else None,
        over=ended is not None,
        halted=halted,
        paused=paused,
    )


def nice_step(largest: float, steps: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, … that covers `largest` in at most that many steps."""
    power = 1
    while True:
        for factor in NICE:
            if factor * power * steps >= largest:
                return factor * power
        power *= 10


@dataclass(frozen=True, slots=True)
class Tick:
    """A value of an axis. Across: `x` in percent; upwards: `y` in pixels."""

    text: str
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's bar."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Act:
    """An act of the person on a day. `before`: its words stand on the side of the start."""

    x: float
    text: str
    before: bool


@dataclass(frozen=True, slots=True)
class AxisLabel:
    """Words under the axis."""

    x: float
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class UseChart:
    """Bars per day over an axis that starts at zero, refused calls as diamonds below it."""

    height: int
    floor: int
    finding: str
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]
    refused: tuple[float, ...]
    acts: tuple[Act, ...]
    labels: tuple[AxisLabel, ...]


FLOOR, TOP, WIDTH = 100, 30, 94.0


def use_chart(
    allowed: Sequence[int],
    refused: Sequence[int],
    *,
    acts: Sequence[tuple[int, str]],
    labels: tuple[str, str, str],
    finding: str,
) -> UseChart:
    """One value per day, oldest first. `acts`: (day, words); words are kept for the first and the last of them."""
    days = len(allowed)
    step = nice_step(max(max(allowed, default=0), 1), 3)
    pixel = (FLOOR - TOP) / (step * 3)
    slot = WIDTH / days
    told = {0, len(acts) - 1}
    return UseChart(
        height=FLOOR + 40,
        floor=FLOOR,
        finding=finding,
        ticks=tuple(Tick(f"{step * n:,}", y=round(FLOOR - step * n * pixel, 1)) for n in (1, 2, 3)),
        bars=tuple(
            Bar(_r(day * slot + slot * 0.1), _r(FLOOR - value * pixel), _r(slot * 0.8), _r(value * pixel))
            for day, value in enumerate(allowed)
            if value
        ),
        refused=tuple(_r((day + 0.5) * slot) for day, value in enumerate(refused) if value),
        acts=tuple(
            Act(_r((day + 0.5) * slot), words if number in told else "", day * 2 > days)
            for number, (day, words) in enumerate(acts)
        ),
        labels=(
            AxisLabel(0, labels[0], "start"),
            AxisLabel(WIDTH / 2, labels[1], "middle"),
            AxisLabel(WIDTH, labels[2], "end"),
        ),
    )


@dataclass(frozen=True, slots=True)
class Lane:
    """One gateway: how far its line reached, or until where it may still reach."""

    name: str
    y: int
    reached: float
    ahead: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One lane per gateway on a common scale from zero."""

    height: int
    long: bool
    finding: str
    ticks: tuple[Tick, ...]
    lanes: tuple[Lane, ...]


FAR = 70.0
SHORT_NAME, LONG_NAME = 10, 16


def strip(lanes: Sequence[tuple[str, float, float | None, str]], *, finding: str, words: Callable[[int], str]) -> Strip:
    """Lanes: (name, reached ms, may still reach ms, words at the end). `words`: milliseconds as they are read."""
    furthest = max((ahead or reached for _, reached, ahead, _ in lanes), default=1.0) or 1.0

    def place(value: float) -> float:
        return _r(FAR * value / furthest)

    step = nice_step(furthest, 4)
    values = [value for value in range(0, 5 * step, step) if value <= furthest]
    return Strip(
        height=34 * len(lanes) + 28,
        long=any(len(name) > SHORT_NAME for name, _, _, _ in lanes),
        finding=finding,
        ticks=tuple(Tick(words(value) if value else "0", x=place(value)) for value in values),
        lanes=tuple(
            Lane(_cut(name), 17 + 34 * number, place(reached), None if ahead is None else place(ahead), text)
            for number, (name, reached, ahead, text) in enumerate(lanes)
        ),
    )


def _cut(name: str) -> str:
    return name if len(name) <= LONG_NAME else f"{name[: LONG_NAME - 1]}…"


def _r(value: float) -> float:
    return round(value, 2)
