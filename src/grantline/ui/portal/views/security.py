"""What a person sees of their ways to sign in and their sessions."""

from collections.abc import Iterable
from dataclasses import dataclass

from grantline.identity import Methods, OpenSession, Session, UpstreamSettings
from grantline.ui.kit import Formats, When
from grantline.ui.portal.views.words import plain

LEVELS = {
    "urn:grantline:acr:password": "by password",
    "urn:grantline:acr:upstream": "by another provider",
    "urn:grantline:acr:mfa": "in two steps",
    "urn:grantline:acr:passkey": "by passkey",
}
FEW_CODES = 3


@dataclass(frozen=True, slots=True)
class PasskeyView:
    """One passkey. `used`: None if it was never used to sign in."""

    name: str
    kind: str
    added: When
    used: When | None
    remove: str


@dataclass(frozen=True, slots=True)
class ProviderView:
    """Another provider. `since`: None while no account there is linked."""

    name: str
    title: str
    since: When | None
    remove: str


@dataclass(frozen=True, slots=True)
class SessionView:
    """One session. `here`: the one that shows this page."""

    id: str
    browser: str
    how: str
    since: When
    seen: When
    here: bool


@dataclass(frozen=True, slots=True)
class SecurityView:
    """The whole page. `recovery`: unused codes, None when none were made; `few`: it is time for new ones."""

    password: bool
    passkeys: tuple[PasskeyView, ...]
    totp: When | None
    second_factor: bool
    recovery: int | None
    few: bool
    providers: tuple[ProviderView, ...]
    sessions: tuple[SessionView, ...]


@dataclass(frozen=True, slots=True)
class RemovalView:
    """What is about to be removed, and what that means."""

    what: str
    name: str
    then: str
    action: str


def security_view(
    methods: Methods,
    sessions: Iterable[OpenSession],
    current: Session,
    providers: Iterable[UpstreamSettings],
    formats: Formats,
) -> SecurityView:
    """`current`: the session that asks."""
    return SecurityView(
        password=methods.password,
        passkeys=tuple(
            PasskeyView(
                name=plain(one.name),
                kind="On several devices" if one.synced else "On one device",
                added=formats.day_or_today(one.made_at),
                used=None if one.used_at is None else formats.moment(one.used_at * 1_000_000),
                remove=f"/security/remove/passkey/{one.id}",
            )
            for one in methods.passkeys
        ),
        totp=None if methods.totp_since is None else formats.day_or_today(methods.totp_since),
        second_factor=methods.second_factor,
        recovery=methods.recovery,
        few=methods.recovery is not None and methods.recovery < FEW_CODES,
        providers=tuple(_provider(one, methods, formats) for one in providers),
        sessions=tuple(_session(one, current, formats) for one in sessions),
    )


def removal_of(kind: str, id: str, methods: Methods, providers: Iterable[UpstreamSettings]) -> RemovalView | None:
    """The page before removing; None when there is nothing such."""
    action = f"/security/remove/{kind}/{id}"
    if kind == "totp" and id == "app" and methods.totp_since is not None:
        then = "Signing in with your password asks for no code any more."
        if methods.passkeys:
            then = "Signing in with your password asks for a passkey instead."
        return RemovalView("your app for codes", "", then, action)
    for one in methods.passkeys:
        if kind == "passkey" and one.id == id:
            return RemovalView("the passkey", plain(one.name), "It signs nobody in here any more.", action)
    for each in providers:
        if kind == "link" and each.name == id and any(link.issuer == each.issuer for link in methods.links):
            return RemovalView("the link to", each.title, "It signs nobody in here any more.", action)
    return None


def _provider(settings: UpstreamSettings, methods: Methods, formats: Formats) -> ProviderView:
    link = next((one for one in methods.links if one.issuer == settings.issuer), None)
    since = None if link is None else formats.day_or_today(link.made_at)
    return ProviderView(settings.name, settings.title, since, f"/security/remove/link/{settings.name}")


def _session(one: OpenSession, current: Session, formats: Formats) -> SessionView:
    return SessionView(
        id=one.id,
        browser=one.agent or "Unknown browser",
        how=LEVELS.get(one.acr, ""),
        since=formats.moment(one.since * 1_000_000),
        seen=formats.moment(one.seen_at * 1_000_000),
        here=one.id == current.id,
    )
