"""The authority process: authorization server, pages, and the door for gateways, over one state file."""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from starlette.requests import cookie_parser

from grantline.app.floods import Floods
from grantline.app.identity import Outside, signing_in
from grantline.app.keys import open_custodies, take_over, terms_of
from grantline.app.leading import Leading, leader_lock
from grantline.app.log import set_up_log
from grantline.app.mtls import opened, what_clients_need
from grantline.app.outward import outward
from grantline.app.own_secrets import OwnSecrets, open_own_secrets
from grantline.app.pages import OAuthPages, PageConnections, PageWithdrawal
from grantline.app.places import Places
from grantline.app.public_log import PREFIX, PublicLog
from grantline.app.root_key import open_root_key
from grantline.app.rules import Rules
from grantline.app.setup import AUTHORITY, prepare
from grantline.app.state import RecordedWork, State, WakingWork, answers, open_state
from grantline.app.sweeping import keep_sweeping
from grantline.app.tls import HSTS, server_context
from grantline.app.web import Task, serve
from grantline.authorization import (
    AskedElsewhere,
    EndsWithPassword,
    GatewayResourceLists,
    Interaction,
    Keys,
    Logout,
    Pinging,
    Server,
    Telling,
    appoint,
    oauth_endpoints,
    token_for,
)
from grantline.authorization.keys import Changes, Keeping
from grantline.consent import Consents, calls, enforced
from grantline.crypto.custody.file import write_private
from grantline.fetching import Fetcher
from grantline.identity import Enrolment, Session, Sessions
from grantline.ledger.client import LedgerClient
from grantline.ledger.published import Published
from grantline.ledger.relay import Relay
from grantline.ledger.set_aside import SetAside
from grantline.ledger.settings import Places as LedgerPlaces
from grantline.model.bundle import BundleContent
from grantline.model.calls import CallsWanted
from grantline.model.clock import Clock, SystemClock
from grantline.model.consent import EnforcedVersion
from grantline.model.errors import InvalidConfiguration
from grantline.model.ids import ConsentId, GatewayId
from grantline.settings import ServerSettings, Settings
from grantline.signals import FeedServer
from grantline.storage.sqlite.connection import Connect, connect
from grantline.ui.kit import Cookies
from grantline.ui.portal import PortalSettings, Services, portal, portal_site

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Authority:
    """The composed process. `tasks` run beside the web server; when one ends, so does the process."""

    app: Asgi
    tasks: tuple[Task, ...]
    server: Server
    enrolment: Enrolment
    rules: Rules
    work: WakingWork


@dataclass(frozen=True, slots=True)
class _Core:
    """What every part of this process is made from."""

    settings: Settings
    issuer: str
    keys: Keys
    work: WakingWork
    rules: Rules
    clock: Clock


async def run(
    settings: Settings, data: Path, ready: Callable[[], None], stop: asyncio.Event, *, connect: Connect = connect
) -> None:
    """Serve until `stop`. Raises `InvalidConfiguration` for what no restart can mend."""
    set_up_log(data, AUTHORITY)
    prepare(data, settings.keys)
    if not await answers(data, settings.storage, stop):
        return
    async with open_state(data, create=True, connect=connect, storage=settings.storage) as state:
        issuer = settings.server.issuer or f"http://localhost:{settings.server.port}"
        async with authority(settings, data, state, issuer, SystemClock()) as composed:
            await _leave_enrolment_link(composed, Places(data), issuer)
            door = opened(settings.server.mtls, composed.server, composed.work)
            doors, keeping = ((), ()) if door is None else ((door.config,), door.tasks)
            await serve(server_config(composed.app, settings), (*composed.tasks, *keeping), ready, stop, doors=doors)


@asynccontextmanager
async def authority(
    settings: Settings, data: Path, state: State, issuer: str, clock: Clock
) -> AsyncIterator[Authority]:
    """Every part with what it needs. Nothing runs yet but what `tasks` names."""
    async with AsyncExitStack() as stack:
        work = WakingWork(state)
        rules = Rules(Places(data), work, clock)
        keys, keeping, own = await _keys(settings, Places(data), work, clock)
        http = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False))
        ledger = LedgerClient(LedgerPlaces(data).ledger_socket, AUTHORITY, own.producer)
        stack.push_async_callback(ledger.close)
        log = Published(LedgerPlaces(data).public)
        sessions = Sessions(work, clock, settings=settings.sessions)
        pages = OAuthPages()
        core = _Core(settings, issuer, keys, work, rules, clock)
        relay = Relay(work, ledger, secrets.token_bytes, clock=clock, aside=SetAside(Places(data).set_aside))
        recorded = RecordedWork(work, lambda: relay.stuck_us, settings.ledger.longest_lag_s * 1_000_000)
        fetcher = await stack.enter_async_context(Fetcher(clock, settings.fetching))
        server = _server(core, recorded, sessions, pages, http=http, fetcher=fetcher)
        rules.on_change(partial(appoint, server))
        await rules.look()
        feed = _feed(core, server)
        work.after_commit(feed.wake)
        work.after_commit(relay.wake)
        providers = await stack.enter_async_context(Fetcher(clock, settings.fetching))
        outside = Outside(settings.upstreams, providers, http, issuer)
        ends = EndsWithPassword(clock, settings=server.settings)
        identity = signing_in(own.identity, work, sessions, outside, clock, also_ends=ends)
        services = Services(
            sign_in=identity.sign_in,
            passkeys=identity.passkeys,
            methods=identity.methods,
            providers=identity.providers,
            sessions=sessions,
            enrolment=identity.enrolment,
            interaction=Interaction(server),
            elsewhere=AskedElsewhere(server),
            connections=PageConnections(work, rules, keys, issuer, clock, log),
            withdrawal=PageWithdrawal(work, server.consents),
            closures=feed.closures,
            record=ledger,
            endpoint_label=lambda api, label: rules.catalog().endpoint_label(api, label),
            logout=Logout(server),
        )
        site = portal_site(services, _portal_settings(settings, issuer, rules), clock, secrets.token_bytes)
        pages.attach(site)
        keeping.lacking = feed.lacking
        sweeping = partial(keep_sweeping, work, server.consents, sessions, clock, settings.registration.unused_days)
        leading = Leading(
            leader_lock(data, settings.storage),
            begin=feed.start,
            tasks=(feed.run, relay.run, sweeping),
            end=feed.rest,
            meanwhile=relay.watch,
        )
        stack.push_async_callback(leading.close)
        await leading.start()
        tasks = (leading.run, rules.keep_looking, keeping.run, *_tellers(server, fetcher, work))
        whole = _route(oauth_endpoints(server), feed, portal(site), PublicLog(log) if settings.ledger.public else None)
        app = Floods(whole, site, clock, settings.authorization.beginnings_per_minute)
        yield Authority(app, tasks, server, identity.enrolment, rules, work)


def _tellers(server: Server, fetcher: Fetcher, work: WakingWork) -> tuple[Task, ...]:
    """What tells clients at their own addresses: of ended sessions, and of answers that wait for them."""
    tellers = (Telling(server, fetcher), Pinging(server, fetcher))
    for each in tellers:
        work.after_commit(each.wake)
    return tuple(each.run for each in tellers)


def _route(oauth: Any, feed: FeedServer, pages: Asgi, log: PublicLog | None) -> Asgi:
    """One application: machines' endpoints first, gateways' door, the log if it is public, pages for the rest."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] == "websocket" or path.startswith("/gateway/"):
            await feed(scope, receive, send)
        elif oauth.knows(path):
            await oauth(scope, receive, send)
        elif log is not None and path.startswith(PREFIX):
            await log(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return app


async def _keys(settings: Settings, places: Places, work: WakingWork, clock: Clock) -> tuple[Keys, Keeping, OwnSecrets]:
    """Every key that signs, at hand, what keeps them so, and the other secrets."""
    terms = terms_of(settings)
    root = await asyncio.to_thread(open_root_key, settings.keys, places)
    await take_over(work, places, root, Changes(clock, secrets.token_bytes, terms.verify_for))
    custodies = await asyncio.to_thread(open_custodies, settings.keys, places, root)
    keeping = Keeping(work, custodies, terms, clock, secrets.token_bytes)
    await keeping.start()
    own = await asyncio.to_thread(open_own_secrets, places, root)
    return Keys.of(keeping.ring, own.pairwise), keeping, own


def _server(
    core: _Core,
    work: RecordedWork,
    sessions: Sessions,
    pages: OAuthPages,
    *,
    http: httpx2.AsyncClient,
    fetcher: Fetcher,
) -> Server:
    made: list[Server] = []
    server = Server(
        issuer=core.issuer,
        keys=core.keys,
        work=work,
        consents=Consents(clock=core.clock, randomness=secrets.token_bytes, settings=core.settings.consents),
        catalog=core.rules.catalog,
        policy=core.rules.decider,
        clock=core.clock,
        session=_session_reader(sessions, Cookies.for_issuer(core.issuer)),
        pages=pages,
        lists=GatewayResourceLists(lambda: made[0], http, {one.api: one.base for one in core.settings.fronts}),
        settings=core.settings.authorization,
        mtls=what_clients_need(core.settings.server.mtls),
        **outward(core.settings, work, fetcher, core.clock),
    )
    made.append(server)
    return server


def _session_reader(sessions: Sessions, cookies: Cookies) -> Callable[[str | None], Awaitable[Session | None]]:
    """From the value of a Cookie header to the session it names."""

    async def current(header: str | None) -> Session | None:
        # Read as the pages read it: who is present must not depend on where the browser arrives.
        return await sessions.current(cookie_parser(header or "").get(cookies.session))

    return current


def _feed(core: _Core, server: Server) -> FeedServer:
    rules, keys = core.rules, core.keys

    async def version_for(gateway: GatewayId, consent: ConsentId, version: int) -> EnforcedVersion | None:
        apis = rules.catalog().apis_of(gateway)
        found = await core.work.read(lambda tx: enforced.enforced(tx, consent=consent, version=version, apis=apis))
        return None if found is None else enforced.sign(found, keys.signing)

    async def bundle_for(gateway: GatewayId) -> BundleContent:
        return await rules.bundle(gateway, core.issuer, keys.for_gateways)

    async def calls_for(gateway: GatewayId, wanted: CallsWanted) -> int:
        if wanted.api not in rules.catalog().apis_of(gateway):
            return 0
        return await core.work.write(lambda tx: calls.give(tx, wanted))

    return FeedServer(
        core.work,
        issuer=core.issuer,
        clock=core.clock,
        randomness=secrets.token_bytes,
        version_for=version_for,
        bundle_for=bundle_for,
        token_for=partial(token_for, server),
        calls_for=calls_for,
        settings=core.settings.feed,
    )


def _portal_settings(settings: Settings, issuer: str, rules: Rules) -> PortalSettings:
    """The pages name the operator of the catalog; before one is applied, nobody can be asked anything."""
    try:
        operator = rules.catalog().file.operator
    except InvalidConfiguration:
        return PortalSettings(issuer=issuer, operator="Grantline", contact="the operator")
    feed = settings.feed
    fence_ms = feed.lease_ms * (100 + feed.margin_percent) // 100 + feed.upstream_skew_ms
    return PortalSettings(issuer=issuer, operator=operator.name, contact=operator.contact, fence_ms=fence_ms)


async def _leave_enrolment_link(composed: Authority, places: Places, issuer: str) -> None:
    """An empty store gives one link to the first operator, also in a file that only its owner reads."""
    token = await composed.enrolment.first_operator()
    if token is not None:
        write_private(places.enrolment_link, f"{issuer}/enrol/{token}\n".encode())


def _tls(server: ServerSettings) -> Callable[..., ssl.SSLContext] | None:
    if server.tls_certificate is None or server.tls_key is None:
        return None
    context = server_context(server.tls_certificate, server.tls_key)
    return lambda _config, _default: context


def server_config(app: Asgi, settings: Settings) -> uvicorn.Config:
    """How the application is served: uvloop and httptools, by the settings' address and certificate."""
    server = settings.server
    return uvicorn.Config(
        app,
        host=server.host,
        port=server.port,
        ssl_context_factory=_tls(server),
        headers=HSTS if (server.issuer or "").startswith("https://") else None,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=3,
    )
