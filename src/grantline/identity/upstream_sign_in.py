"""To another OpenID provider and back: bound to the browser that left, once, and believed by `methods/upstream.py`."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from grantline.identity import ceremonies, linking, throttle
from grantline.identity.admission import Admission, Outcome, TooMany, Visit, Wrong, address_key
from grantline.identity.ceremonies import Kind, Upstream
from grantline.identity.fetching import Unreachable
from grantline.identity.methods import upstream
from grantline.identity.methods.upstream import Account, Refused
from grantline.identity.provider import Provider
from grantline.identity.session import Session
from grantline.identity.settings import UpstreamSettings
from grantline.identity.store import Transaction
from grantline.model.clock import Clock
from grantline.model.errors import NotFound, TemporarilyUnavailable
from grantline.model.ids import PersonId, Randomness, opaque
from grantline.model.ports import Work

log = structlog.get_logger("grantline.identity")


@dataclass(frozen=True, slots=True)
class Linked:
    """The account is the person's from now on."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """The provider knows them; nobody here is linked to that account."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What came of it, and where it was to lead. `acr`: levels that were asked for."""

    outcome: Outcome | Linked | Stranger
    onward: str
    acr: str


class UpstreamSignIn:
    """Every provider of the settings. `issuer`: our own address, for the way back."""

    def __init__(
        self,
        work: Work[Transaction],
        admission: Admission,
        *,
        providers: tuple[Provider, ...],
        issuer: str,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._work = work
        self._admission = admission
        self._providers = {one.settings.name: one for one in providers}
        self._issuer = issuer
        self._clock = clock
        self._randomness = randomness

    def all(self) -> tuple[UpstreamSettings, ...]:
        """The providers, in the order of the settings."""
        return tuple(one.settings for one in self._providers.values())

    async def leave(
        self, name: str, browser: str, *, onward: str, acr: str = "", link: Session | None = None, again: bool = False
    ) -> str:
        """The provider's address to go to. `browser`: a secret of this one; no other may come back. `link`: for whom.

        Raises `NotFound` for an unknown provider, `TemporarilyUnavailable` when it cannot be asked.
        """
        provider = self._provider(name)
        try:
            found = await provider.discovered()
        except (Unreachable, Refused) as error:
            raise TemporarilyUnavailable("The other provider cannot be asked right now.", detail=str(error)) from error
        begun = Upstream(
            provider=name,
            nonce=opaque("n", self._randomness),
            verifier=base64.urlsafe_b64encode(self._randomness(32)).rstrip(b"=").decode(),
            browser=ceremonies.hashed(browser),
            onward=onward,
            acr=acr,
            link=None if link is None else link.person,
        )
        person, now = begun.link, self._admission.now()
        state = await self._work.write(
            lambda tx: ceremonies.begin(tx, Kind.UPSTREAM, begun, person=person, now=now, randomness=self._randomness)
        )
        return upstream.authorization_url(
            found, provider.settings, back=self._back(name), state=state, nonce=begun.nonce,
            verifier=begun.verifier, again=again or link is not None,
        )  # fmt: skip

    async def back(
        self, name: str, answer: Mapping[str, str], browser: str, visit: Visit, session: Session | None
    ) -> Returned | None:
        """The browser came back with the provider's answer. None: it did not leave from here, or too long ago.

        The state counts once, also when what follows fails (RFC 6749 §10.12).
        """
        provider, state = self._provider(name), answer.get("state", "")
        now, keys = self._admission.now(), (address_key(visit),)

        async def unit(tx: Transaction) -> tuple[int, Upstream | None]:
            begun = await ceremonies.finish(tx, Kind.UPSTREAM, state, Upstream, now)
            return await throttle.seconds_to_wait(tx, keys, now), begun[1] if begun else None

        wait, begun = await self._work.write(unit)
        if begun is None or begun.provider != name or begun.browser != ceremonies.hashed(browser):
            return None
        if begun.link is not None and (session is None or session.person != begun.link):
            return None
        if wait > 0:
            return Returned(TooMany(wait), begun.onward, begun.acr)
        try:
            account = await provider.account(answer, back=self._back(name), verifier=begun.verifier, nonce=begun.nonce)
        except (Unreachable, Refused) as error:
            log.warning("upstream refused", provider=name, detail=str(error))
            await self._work.write(lambda tx: self._refuse(tx, keys, begun.link))
            return Returned(Wrong(), begun.onward, begun.acr)
        outcome = await self._work.write(lambda tx: self._conclude(tx, provider, account, begun.link, visit))
        return Returned(outcome, begun.onward, begun.acr)

    async def _conclude(
        self, tx: Transaction, provider: Provider, account: Account, link: PersonId | None, visit: Visit
    ) -> Outcome | Linked | Stranger:
        if link is not None:
            await linking.link(tx, account, link, self._admission)
            return Linked()
        person = await linking.person_of(tx, account, provider.settings, self._admission, self._randomness)
        if person is None:
            await self._admission.refuse(tx, None, "not_linked")
            return Stranger()
        return await self._admission.admit(tx, person, upstream.proof_of(account, provider.settings), visit)

    async def _refuse(self, tx: Transaction, keys: tuple[str, ...], person: PersonId | None) -> None:
        await throttle.note_failure(tx, keys, self._admission.now())
        await self._admission.refuse(tx, person, "wrong_answer")

    def _provider(self, name: str) -> Provider:
        if name not in self._providers:
            raise NotFound("There is no such provider.")
        return self._providers[name]

    def _back(self, name: str) -> str:
        return f"{self._issuer}/sign-in/with/{name}/back"
