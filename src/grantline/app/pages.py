"""The pages' questions, answered by the parts that know: one small class for each Protocol of `ui.portal.services`."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlencode

import orjson
from starlette.responses import Response as PageResponse

from grantline.app.rules import Rules
from grantline.app.state import WakingWork
from grantline.authorization import Delivery, Keys, Response, card_of
from grantline.catalog import Asked, Catalog
from grantline.consent import ClientCard, Consents, may, offer_lines, read, receipt, words
from grantline.consent.offer import OfferLine, Span
from grantline.ledger.published import Published
from grantline.model.clock import Clock
from grantline.model.consent import Item, Status, Version
from grantline.model.errors import NotFound
from grantline.model.ids import ClientId, ConsentId, PersonId
from grantline.parties import Client, Standing
from grantline.storage.sql.transaction import SqlTransaction
from grantline.ui.kit import completed
from grantline.ui.portal import Site, onward
from grantline.ui.portal.services import Connection, VersionRow

DAY = 86_400
WHO_YOU_ARE = (Span("Know "), Span("who you are", strong=True))
"""What an app may that only signs people in."""
COUNTING = frozenset({Status.ACTIVE, Status.SUSPENDED})


@dataclass(frozen=True, slots=True)
class PageConnections:
    """A person's consents with the registry's and the catalog's words."""

    work: WakingWork
    rules: Rules
    keys: Keys
    issuer: str
    clock: Clock
    log: Published

    async def of(self, person: PersonId) -> tuple[Connection, ...]:
        """All of them, newest first."""

        async def unit(tx: SqlTransaction) -> tuple[Connection, ...]:
            found = await read.connections(tx, person=person)
            details = [await read.detail(tx, consent=one.consent, person=person) for one in found]
            return tuple([await self._connection(tx, detail) for detail in details])

        return await self.work.read(unit)

    async def one(self, person: PersonId, consent: ConsentId) -> Connection:
        """One of them."""

        async def unit(tx: SqlTransaction) -> Connection:
            return await self._connection(tx, await read.detail(tx, consent=consent, person=person))

        return await self.work.read(unit)

    async def receipt(self, person: PersonId, consent: ConsentId, version: int) -> bytes:
        """The receipt and its signature as one JSON document."""
        log = await asyncio.to_thread(self.log.last)

        async def unit(tx: SqlTransaction) -> bytes:
            detail = await read.detail(tx, consent=consent, person=person)
            found = next((one for one in detail.versions if one.version == version), None)
            state = await tx.consents.get(consent)
            if found is None or state is None:
                raise NotFound("There is no such version.")
            now = self.clock.wall_us() // 1_000_000
            made = receipt.receipt(
                catalog=self.rules.catalog(), version=found, state=state, issuer=self.issuer, issued_at=now, log=log
            )
            signed = {"receipt": made, "jws": receipt.sign(made, self.keys.signing)}
            return orjson.dumps(signed, option=orjson.OPT_INDENT_2)

        return await self.work.read(unit)

    async def _connection(self, tx: SqlTransaction, detail: read.Detail) -> Connection:
        catalog, connection = self.rules.catalog(), detail.connection
        client = await tx.clients.get(connection.client)
        gone = [item for item in connection.granted if not catalog.serves(item)]
        return Connection(
            consent=connection.consent,
            client=_card(client, connection),
            status=connection.status,
            lines=_lines(catalog, connection.granted),
            may=may(catalog, connection.granted) or WHO_YOU_ARE,
            given_at=connection.given_at,
            until=connection.ends_at,
            ended_at=connection.ended_at,
            lookback_since=_since(connection.granted, self.clock.wall_us() // 1_000_000),
            versions=tuple(_row(version) for version in detail.versions),
            held=client is None or client.status is not Standing.ACTIVE,
            unserved=bool(gone) and len(gone) == len(connection.granted),
            missing=tuple(dict.fromkeys(words.data(catalog, item.api, item.datatype) for item in gone)),
            given_by=await _name(tx, connection.passed_on_by),
            passed_on_to=tuple(
                (one.consent, one.client_name)
                for one in await read.descendants(tx, consent=connection.consent)
                if one.status in COUNTING
            ),
        )


async def _name(tx: SqlTransaction, client: ClientId | None) -> str | None:
    """What people know this client by; its id where it is gone."""
    found = None if client is None else await tx.clients.get(client)
    return found.name if found is not None else client


def _card(client: Client | None, connection: read.Connection) -> ClientCard:
    """The client as the registry has it now; only its agreed name if it is gone."""
    if client is None:
        return ClientCard(connection.client, connection.client_name, "registered", "app", "", "", "", None)
    return card_of(client, client.redirect_uris[0] if client.redirect_uris else client.web)


def _lines(catalog: Catalog, granted: tuple[Item, ...]) -> tuple[OfferLine, ...]:
    """What was granted, a line for each thing it may do: nothing is a wish any more."""
    return offer_lines(catalog, [Asked(item=item, required=item.fields) for item in granted])


def _since(granted: tuple[Item, ...], now: int) -> int | None:
    days = [item.lookback_days for item in granted if item.lookback_days is not None]
    return now - max(days) * DAY if days else None


def _row(version: Version) -> VersionRow:
    what = "given" if version.version == 1 else "amended"
    return VersionRow(version.version, version.not_before, what, version.content_hash)


class PageWithdrawal:
    """Ending a consent from the portal."""

    def __init__(self, work: WakingWork, consents: Consents) -> None:
        self._work = work
        self._consents = consents

    async def withdraw(self, person: PersonId, consent: ConsentId, *, requested_us: int) -> int | None:
        """The feed's number of the ending; None when it had ended before."""

        async def unit(tx: SqlTransaction) -> int | None:
            ending = await self._consents.withdraw(tx, consent=consent, person=person, requested_us=requested_us)
            return None if ending.entry is None else ending.entry.seq

        return await self._work.write(unit, essential=True)


class OAuthPages:
    """Where the authorization endpoint sends browsers. `attach` gives it the pages once they exist."""

    def __init__(self) -> None:
        self._site: Site | None = None

    def attach(self, site: Site) -> None:
        """The pages are there now."""
        self._site = site

    def sign_in(self, handle: str, acr: tuple[str, ...]) -> str:
        """The sign-in page that comes back to this request."""
        levels = {"acr": " ".join(acr)} if acr else {}
        return f"/sign-in?{urlencode({'next': f'/consent/{handle}', **levels}, safe='/')}"

    def consent(self, handle: str) -> str:
        """The consent page of this request."""
        return f"/consent/{handle}"

    def answered(self, handle: str) -> str:
        """The page after an answer to who asked from elsewhere."""
        return f"/answered/{handle}"

    def device(self) -> str:
        """The page for a device's code."""
        return "/device"

    def sign_out(self, handle: str) -> str:
        """The page that signs out."""
        return f"/sign-out/{handle}"

    def error(self, code: str, reference: str) -> Response:
        """The error page, with the headers of all pages."""
        assert self._site is not None
        return _as_answer(self._site.error(code, reference=reference))

    def posting(self, url: str, fields: tuple[tuple[str, str], ...]) -> Response:
        """The page that posts the answer on."""
        assert self._site is not None
        return _as_answer(onward(self._site, Delivery(url, fields)))


def _as_answer(page: PageResponse) -> Response:
    """A page with the headers of all pages, for the raw endpoints."""
    kept = (pair for pair in page.raw_headers if pair[0] != b"content-length")
    return Response(page.status_code, bytes(page.body), tuple(completed(kept)))
