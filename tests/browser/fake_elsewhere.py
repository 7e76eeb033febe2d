"""A television that shows a code and a call centre that asks: requests that no browser brought."""

from dataclasses import dataclass, field, replace

from grantline.authorization import Elsewhere, ElsewhereRequest, Found, NotFoundHere, TooManyTries, Way
from grantline.consent import ClientCard
from grantline.consent.offer import Span
from grantline.identity import Session
from grantline.model.errors import NotFound
from grantline.model.ids import PersonId
from tests.browser.fake_record import NOW

CODE = "BDWPHQPK"
WANTS = (Span("Read 5 fields of "), Span("transactions", strong=True), Span(", because: budgeting"))


def asked_by(client: ClientCard, handle: str, way: Way, code: str = "", message: str = "") -> ElsewhereRequest:
    """One request, sent a minute ago from a private network."""
    return ElsewhereRequest(
        handle=handle, way=way, client=client, code=code, message=message, address="192.0.2.7",
        asked_at=NOW - 60, expires_at=NOW + 240, wants=WANTS, about=("that it is you whenever you come back",),
    )  # fmt: skip


@dataclass
class FakeElsewhere:
    """Both by handle. `confirmed`: by whom. `slowed`: seconds that whoever types has to wait."""

    requests: dict[str, ElsewhereRequest]
    confirmed: dict[str, PersonId] = field(default_factory=dict)
    typed: list[tuple[str, PersonId, str]] = field(default_factory=list)
    slowed: int = 0

    async def look_up(self, typed: str, person: PersonId, address: str) -> Found | NotFoundHere | TooManyTries:
        self.typed.append((typed, person, address))
        if self.slowed:
            return TooManyTries(self.slowed)
        right = "".join(letter for letter in typed.upper() if letter.isalpha()) == CODE
        return Found("h-tv") if right else NotFoundHere()

    async def compare(self, handle: str) -> ElsewhereRequest:
        if handle not in self.requests:
            raise NotFound("It is over.")
        return self.requests[handle]

    async def confirm(self, handle: str, session: Session) -> None:
        await self.compare(handle)
        self.confirmed[handle] = session.person

    async def waiting(self, person: PersonId) -> tuple[ElsewhereRequest, ...]:
        return tuple(one for one in self.requests.values() if one.way is Way.BACKCHANNEL)

    def seen(self, handle: str) -> Elsewhere | None:
        """What the consent page is told of it."""
        one = self.requests.get(handle)
        return None if one is None else Elsewhere(id="r", way=one.way, address=one.address, message=one.message or None)


def both(tv: ClientCard, caller: ClientCard) -> FakeElsewhere:
    """The television's and the call centre's."""
    requests = {
        "h-tv": asked_by(replace(tv, redirect_host=""), "h-tv", Way.DEVICE, code="BDWP-HQPK"),
        "h-call": asked_by(replace(caller, redirect_host=""), "h-call", Way.BACKCHANNEL, message="Order 4711"),
    }
    return FakeElsewhere(requests)
