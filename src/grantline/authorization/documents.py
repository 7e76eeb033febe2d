"""Finds clients by the document at their own address: kept while fresh, fetched when not, bounded either way."""

import asyncio
from weakref import WeakValueDictionary

import structlog

from grantline.authorization.rates import Rates
from grantline.authorization.store import Transaction
from grantline.fetching import METADATA, Bounds, CannotFetch, Fetcher, fresh_for
from grantline.model.ids import ClientId
from grantline.model.ports import Work
from grantline.parties import (
    Client,
    Profile,
    Registrar,
    RegistrationPolicy,
    RegistrationRow,
    RegistrationSettings,
    Standing,
    is_document_id,
    read_document,
    registering,
)

_log = structlog.get_logger("grantline.authorization")


class Documents:
    """Clients with a metadata document (draft-ietf-oauth-client-id-metadata-document §5).

    Documents are kept in the database, so that every process and every step of one flow sees the same registration.
    """

    def __init__(
        self,
        work: Work[Transaction],
        fetcher: Fetcher,
        registrar: Registrar,
        settings: RegistrationSettings,
        *,
        private_hosts: tuple[str, ...] = (),
    ) -> None:
        self._work, self._fetcher, self._registrar = work, fetcher, registrar
        self._settings, self._private = settings, private_hosts
        self._bounds = Bounds(settings.document_least, settings.document_most, settings.document_unsaid)
        self._new = Rates(settings.documents_per_minute)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def policy(self) -> RegistrationPolicy:
        """The most that a document can register. Redirects are https or loopback, as the profile says."""
        return RegistrationPolicy(
            scopes=self._settings.document_scopes,
            details=self._settings.document_details,
            profile=Profile.MCP,
            bearer=self._settings.document_bearer,
            narrows=True,
        )

    async def find(self, name: str) -> Client | None:
        """The client of this address, or None: no such document, or none that may be registered.

        Raises `SlowDown` when too many new ones are asked for at once.
        """
        if not is_document_id(name, self._private):
            return None
        turn = self._turns.setdefault(name, asyncio.Lock())
        async with turn:
            client, row = await self._kept(name)
            now = self._registrar.now()
            if client is not None and (client.status is not Standing.ACTIVE or _until(row) > now):
                return client
            if client is None:
                self._new.take("documents", "", self._registrar.clock.boot_ns())
            try:
                return await self._fetch(name, now)
            except CannotFetch as error:
                _log.info("client document not read", client=name, detail=error.detail)
                return client if _until(row) + self._settings.document_grace > now else None

    async def _kept(self, name: str) -> tuple[Client | None, RegistrationRow | None]:
        async def unit(tx: Transaction) -> tuple[Client | None, RegistrationRow | None]:
            return await tx.clients.get(ClientId(name)), await tx.registrations.get(ClientId(name))

        return await self._work.read(unit)

    async def _fetch(self, name: str, now: int) -> Client:
        fetched = await self._fetcher.get(name, METADATA)
        policy = self.policy
        try:
            client = read_document(name, fetched.body, policy)
        except ValueError as error:
            self._fetcher.disappointed(name)
            raise CannotFetch(name, f"not a client's metadata document: {error}") from error
        until = now + fresh_for(fetched.headers, self._bounds)
        by = self._registrar
        return await self._work.write(lambda tx: registering.keep_document(tx, by, client, policy, until))


def _until(row: RegistrationRow | None) -> int:
    return 0 if row is None or row.fresh_until is None else row.fresh_until
