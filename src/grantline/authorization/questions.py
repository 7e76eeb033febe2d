"""What pages are told of one waiting request: who waits, what is asked, what came of it."""

from dataclasses import dataclass
from typing import Literal

from grantline.authorization.elsewhere import Way
from grantline.authorization.tickets import Elsewhere
from grantline.catalog import Asked, Catalog
from grantline.consent import ClientCard, Offer, Picks, Summary, summarise
from grantline.model.ids import ConsentId


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who waits for an answer, told before anybody signed in. `redirect_uri` is the verified one.

    `login_hint`: what the client thinks the person signs in as. `elsewhere`: the request came without a browser, and
    there is no `redirect_uri`. `asked_at`: unix seconds.
    """

    client: ClientCard
    redirect_uri: str
    login_hint: str = ""
    elsewhere: Elsewhere | None = None
    asked_at: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked. `redirect_uri`: where the answer goes, the verified one. `asked`: as requested.

    `elsewhere`: the request came without a browser, and there is no `redirect_uri`. `asked_at`: unix seconds.
    """

    offer: Offer
    redirect_uri: str
    asked: tuple[Asked, ...]
    catalog: Catalog
    elsewhere: Elsewhere | None = None
    asked_at: int = 0

    def summary(self, picks: Picks) -> Summary:
        """The recap of picks that may still lack something. Raises `InvalidRequest` for what was not offered."""
        return summarise(catalog=self.catalog, asked=self.asked, offer=self.offer, picks=picks)


@dataclass(frozen=True, slots=True)
class Answered:
    """The request was answered before. `at`: unix seconds. `consent`: what came of it. `way`: how it was asked.

    None: by this browser.
    """

    client: ClientCard
    what: Literal["allowed", "refused"]
    at: int
    consent: ConsentId | None
    way: Way | None = None
