"""Signing in, put together: every way to it over one admission."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import httpx2

from grantline.app.state import WakingWork
from grantline.crypto.custody.file import read_private
from grantline.fetching import Fetcher
from grantline.identity import (
    Admission,
    AlsoEnds,
    Enrolment,
    Fetch,
    GuardedFetch,
    Hashing,
    LoopbackFetch,
    OwnMethods,
    Passkeys,
    Place,
    Provider,
    SecretsAtRest,
    Sessions,
    SignIn,
    UpstreamSettings,
    UpstreamSignIn,
    on_this_machine,
)
from grantline.model.clock import Clock
from grantline.model.errors import InvalidConfiguration


@dataclass(frozen=True, slots=True)
class SigningIn:
    """What pages and programs need of identity."""

    sessions: Sessions
    sign_in: SignIn
    passkeys: Passkeys
    methods: OwnMethods
    providers: UpstreamSignIn
    enrolment: Enrolment


@dataclass(frozen=True, slots=True)
class Outside:
    """Other providers, how they are asked (`http`: on this machine alone), and by which address they know us."""

    upstreams: tuple[UpstreamSettings, ...]
    fetcher: Fetcher
    http: httpx2.AsyncClient
    issuer: str


def signing_in(
    secret: bytes, work: WakingWork, sessions: Sessions, outside: Outside, clock: Clock, *, also_ends: AlsoEnds
) -> SigningIn:
    """Compose it. `secret`: 32 bytes that seal what people sign in with. `also_ends`: what a new password ends besides
    sessions.
    """
    place = Place.of(outside.issuer, "Grantline")
    hashing, randomness = Hashing(), secrets.token_bytes
    at_rest = SecretsAtRest(secret, randomness)
    admission = Admission(sessions, clock, randomness)
    return SigningIn(
        sessions=sessions,
        sign_in=SignIn(work, admission, hashing=hashing, at_rest=at_rest, clock=clock, randomness=randomness),
        passkeys=Passkeys(work, admission, place=place, clock=clock, randomness=randomness),
        methods=OwnMethods(
            work, admission, hashing=hashing, at_rest=at_rest, clock=clock, randomness=randomness, also_ends=also_ends
        ),
        providers=UpstreamSignIn(
            work,
            admission,
            providers=_providers(outside, clock),
            issuer=outside.issuer,
            clock=clock,
            randomness=randomness,
        ),
        enrolment=Enrolment(work, sessions, hashing, clock, also_ends=also_ends),
    )


def _providers(outside: Outside, clock: Clock) -> tuple[Provider, ...]:
    names = [one.name for one in outside.upstreams]
    if len(set(names)) != len(names):
        raise InvalidConfiguration("$.upstreams: two of them have the same name")
    return tuple(Provider(one, _fetch(one, outside), clock, _secret_of(one)) for one in outside.upstreams)


def _fetch(settings: UpstreamSettings, outside: Outside) -> Fetch:
    return LoopbackFetch(outside.http) if on_this_machine(settings.issuer) else GuardedFetch(outside.fetcher)


def _secret_of(settings: UpstreamSettings) -> Callable[[], str] | None:
    """Read at each use, so that a changed secret needs no restart."""
    path = settings.client_secret_file
    return None if path is None else lambda: read_private(path).decode().strip()
