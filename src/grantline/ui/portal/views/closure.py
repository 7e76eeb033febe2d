"""How far a stop has got, as it was measured: closed, closed by lease, partial, unknown (P5, I11)."""

from dataclasses import dataclass

from grantline.ledger.reading import Access
from grantline.model.feed import Closure, ClosureState, GatewayClosure
from grantline.model.text import counted, listed
from grantline.ui.kit import Formats, When, duration, entry_number
from grantline.ui.kit.pictures import Strip, strip
from grantline.ui.portal.services import Connection
from grantline.ui.portal.views.accesses import entry_href


@dataclass(frozen=True, slots=True)
class Mark:
    """A call next to the stop, with its entry."""

    at: When
    href: str
    number: str


@dataclass(frozen=True, slots=True)
class ClosureView:
    """The answer. `certain`: no gateway can let a call through any more."""

    answer: str
    sentences: tuple[str, ...]
    stopped: When
    stopped_day: When
    strip: Strip | None
    certain: bool
    unknown: bool
    drained: str
    checked: bool


def gateway_name(gateway: GatewayClosure) -> str:
    """A gateway's id as a name: `bank-2` reads `Bank 2`."""
    words = str(gateway.gateway).replace("-", " ").replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}"


def closure_view(closure: Closure, formats: Formats, *, fence_us: int) -> ClosureView:
    """`fence_us`: the longest time after the commit in which a silent gateway may still allow calls."""
    click = max(0, closure.committed_us - closure.requested_us)
    done = [each for each in closure.gateways if each.how != "waiting"]
    waiting = [each for each in closure.gateways if each.how == "waiting"]
    certain = closure.state is ClosureState.CLOSED
    unknown = closure.state is ClosureState.UNKNOWN
    return ClosureView(
        answer=_answer(closure, len(done), click),
        sentences=_sentences(closure, waiting, formats, fence_us),
        stopped=formats.proof(closure.requested_us),
        stopped_day=formats.day(closure.requested_us / 1_000_000),
        strip=None if unknown or not closure.gateways else _strip(closure, click, fence_us),
        certain=certain,
        unknown=unknown,
        drained=_drained(closure, click),
        checked=certain,
    )


def mark(access: Access | None, connection: Connection, formats: Formats) -> Mark | None:
    """A call as time and entry."""
    if access is None:
        return None
    return Mark(formats.proof(access.t), entry_href(connection.consent, access.index), entry_number(access.index))


def _answer(closure: Closure, done: int, click: int) -> str:
    total = len(closure.gateways)
    if closure.state is ClosureState.UNKNOWN:
        return "Stopped here, not yet confirmed elsewhere"
    if closure.state is not ClosureState.CLOSED or closure.closed_after_us is None:
        return f"Stopped at {done} of {counted(total, 'gateway', 'gateways')}"
    if not total:
        return "Stopped. No gateway was running"
    return (
        f"Stopped at {done} of {counted(total, 'gateway', 'gateways')} in {duration(click + closure.closed_after_us)}"
    )


def _sentences(closure: Closure, waiting: list[GatewayClosure], formats: Formats, fence_us: int) -> tuple[str, ...]:
    if closure.state is ClosureState.UNKNOWN:
        return (
            "We cannot tell yet whether every gateway heard it.",
            "An operator was alarmed. This page shows when it is certain.",
        )
    if waiting:
        names = listed([gateway_name(each) for each in waiting])
        left = closure.committed_us + fence_us - formats.now_us
        verb = "has" if len(waiting) == 1 else "have"
        at_most = (
            f"It can allow calls for at most {duration(left)} more." if left > 0 else "Its permission has run out."
        )
        return (f"{names} {verb} not answered.", at_most)
    told = ["Time runs from the stop reaching us to the last gateway’s answer."]
    if fenced := [gateway_name(each) for each in closure.gateways if each.how == "fenced"]:
        told = [f"{listed(fenced)} did not answer. Its permission ran out by itself."]
    return tuple(told)


def _strip(closure: Closure, click: int, fence_us: int) -> Strip:
    lanes: list[tuple[str, float, float | None, str]] = []
    for gateway in sorted(closure.gateways, key=lambda each: (each.after_us is None, each.after_us or 0)):
        name = gateway_name(gateway)
        if gateway.how == "waiting" or gateway.after_us is None:
            so_far = max((each.after_us or 0 for each in closure.gateways), default=0)
            until = click + fence_us
            lanes.append((name, (click + so_far) / 1_000, until / 1_000, f"by {duration(until)}"))
        else:
            after = click + gateway.after_us
            words = duration(after) if gateway.how == "acknowledged" else f"{duration(after)}, by lease"
            lanes.append((name, after / 1_000, None, words))
    told = "; ".join(f"{name}: {words}" for name, _, _, words in lanes)
    return strip(
        lanes,
        finding=f"Time until each gateway refused: {told}.",
        words=lambda milliseconds: duration(milliseconds * 1_000),
    )


def _drained(closure: Closure, click: int) -> str:
    if closure.drained_after_us is None:
        return "Not known yet"
    return f"None left after {duration(click + closure.drained_after_us)}"
