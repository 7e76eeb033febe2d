"""Clients that prove themselves with a certificate: of an authority, of their own, of a SPIFFE trust domain."""

import base64
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest

from grantline.authorization import oauth_endpoints
from grantline.authorization.doors import Door, through_tls
from grantline.authorization.mtls import Mtls
from grantline.crypto.es256 import SigningKey
from grantline.parties import Client, read_client
from tests.authorization_world import World
from tests.certificates_world import CERTIFIES, PAST, SERVER, SIGNS, Held, authority, made
from tests.flows.authorization.raw import REQUEST, post

MTLS = "https://mtls.example"
AUTHORITY, STRANGER = authority(), authority()
DOMAIN, OTHER_DOMAIN = authority("CN=example.org"), authority("CN=other.org")
SPIFFE = "spiffe://example.org/app"


def client(**data: Any) -> Client:
    whole: dict[str, Any] = {
        "id": "shop", "name": "Shop", "publisher": "Shop Ltd", "web": "https://shop.example",
        "redirect_uris": ["https://shop.example/cb"], "scopes": ["bank.transactions"], "dpop_bound": False,
    }  # fmt: skip
    return read_client({**whole, **data})


def jwk_of(held: Held, *, with_certificate: bool) -> dict[str, Any]:
    key = SigningKey(held.key).public.jwk
    return {**key, **({"x5c": [base64.b64encode(held.der).decode()]} if with_certificate else {})}


@dataclass
class AtDoor:
    """The same server at the door that asks for certificates; `shown` is what TLS would have seen."""

    world: World

    def __post_init__(self) -> None:
        domains = {"example.org": DOMAIN.authorities, "other.org": OTHER_DOMAIN.authorities}
        self.server = replace(self.world.server, mtls=Mtls(MTLS, AUTHORITY.authorities, domains))

    @property
    def door(self) -> Door:
        return through_tls(MTLS)

    async def post(self, path: str, form: Any, shown: Held | None, **headers: str) -> httpx2.Response:
        app = oauth_endpoints(self.server, self.door)
        pems = () if shown is None else tuple(one.pem for one in (shown, *shown.chain))

        async def with_tls(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "extensions": {"tls": {"client_cert_chain": pems}}}, receive, send)

        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=with_tls), base_url=MTLS) as http:
            outer, self.world.http = self.world.http, http
            try:
                return await post(self.world, path, form, **headers)
            finally:
                self.world.http = outer

    async def proves(self, registered: Client, shown: Held | None) -> bool:
        await self.world.register(registered)
        form = {**REQUEST, "client_id": "shop", "redirect_uri": registered.redirect_uris[0]}
        answer = await self.post("/par", form, shown)
        if answer.status_code != 201:
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
            assert answer.json()["error_description"] == "The client did not prove who it is."
        return answer.status_code == 201


@pytest.fixture
def door(world: World) -> AtDoor:
    return AtDoor(world)


def by_name(**name: str) -> Client:
    return client(auth="tls_client_auth", certificate=name)


NAMED = AUTHORITY.issue(
    "CN=app,O=Example", dns=["App.example", "*.wild.example"], uris=["https://app.example/id"],
    ips=["2001:db8::1", "192.0.2.7"], emails=["App@app.example"],
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        {"subject_dn": "CN=app,O=Example"},
        {"san_dns": "app.EXAMPLE"},
        {"san_uri": "https://app.example/id"},
        {"san_ip": "2001:0db8:0:0::1"},
        {"san_ip": "192.0.2.7"},
        {"san_email": "App@app.example"},
    ],
    ids=lambda told: str(told)[:60],
)
async def test_a_certificate_of_an_authority_with_the_registered_name_is_taken(
    door: AtDoor, name: dict[str, str]
) -> None:
    """Covers: check 107."""
    assert await door.proves(by_name(**name), NAMED)


@pytest.mark.parametrize(
    "name",
    [
        {"subject_dn": "CN=App,O=Example"},
        {"subject_dn": "CN=app"},
        {"subject_dn": "O=Example,CN=app"},
        {"subject_dn": "CN=app+O=Example"},
        {"subject_dn": "CN=app,O=Example,C=DE"},
        {"subject_dn": "CN=app\\,O=Example"},
        {"san_dns": "example"},
        {"san_dns": "x.wild.example"},
        {"san_dns": "app.example."},
        {"san_uri": "https://app.example/id/"},
        {"san_uri": "https://APP.example/id"},
        {"san_ip": "192.0.2.8"},
        {"san_email": "app@app.example"},
        {"san_email": "app.example"},
        {"san_dns": "https://app.example/id"},
    ],
    ids=lambda told: str(told)[:60],
)
async def test_another_name_is_refused_however_near_it_is(door: AtDoor, name: dict[str, str]) -> None:
    """Covers: check 107."""
    assert not await door.proves(by_name(**name), NAMED)


MIDDLE = AUTHORITY.issue("CN=Middle", ca=True)
FAKE_MIDDLE = AUTHORITY.issue("CN=Not one", ca=False, uses=(SIGNS, CERTIFIES))
SELF = made("CN=app,O=Example", ca=True)


@pytest.mark.parametrize(
    ("shown", "right"),
    [
        pytest.param(AUTHORITY.issue(), True, id="right"),
        pytest.param(MIDDLE.issue(), True, id="by an intermediate that came along"),
        pytest.param(AUTHORITY.issue(purposes=()), True, id="for any purpose"),
        pytest.param(replace(MIDDLE.issue(), chain=()), False, id="by an intermediate that nobody sent"),
        pytest.param(STRANGER.issue(), False, id="another authority"),
        pytest.param(authority("CN=Authority").issue(), False, id="another authority of the same name"),
        pytest.param(made("CN=app,O=Example"), False, id="by itself"),
        pytest.param(SELF.issue(), False, id="by an authority of its own making"),
        pytest.param(AUTHORITY.issue(valid=PAST), False, id="expired"),
        pytest.param(AUTHORITY.issue(purposes=(SERVER,)), False, id="of a server"),
        pytest.param(AUTHORITY.issue(ca=True), False, id="of an authority"),
        pytest.param(FAKE_MIDDLE.issue(), False, id="signed by one that is no authority"),
        pytest.param(None, False, id="none"),
    ],
)
async def test_the_path_to_the_authority_is_checked_here(door: AtDoor, shown: Held | None, right: bool) -> None:
    """Covers: check 107."""
    assert await door.proves(by_name(subject_dn="CN=app,O=Example"), shown) is right


OWN = made("CN=whatever")


def self_signed(*keys: dict[str, Any]) -> Client:
    return client(auth="self_signed_tls_client_auth", jwks=list(keys))


async def test_a_registered_certificate_is_taken_and_no_other_of_its_key_or_name(door: AtDoor) -> None:
    """Covers: check 107."""
    registered = self_signed(jwk_of(OWN, with_certificate=True))
    assert await door.proves(registered, OWN)
    assert not await door.proves(registered, made("CN=whatever"))
    assert not await door.proves(registered, made("CN=whatever", key=OWN.key))
    assert not await door.proves(registered, None)


async def test_a_registered_key_is_taken_with_any_certificate_of_its_own(door: AtDoor) -> None:
    """Covers: check 107."""
    registered = self_signed(jwk_of(STRANGER, with_certificate=False), jwk_of(OWN, with_certificate=False))
    assert await door.proves(registered, OWN)
    assert await door.proves(registered, made("CN=renewed", key=OWN.key))
    assert not await door.proves(registered, made("CN=whatever"))
    assert not await door.proves(registered, made("CN=whatever", key=OWN.key, valid=PAST))


async def test_an_authority_does_not_stand_in_for_a_registered_certificate(door: AtDoor) -> None:
    """Covers: check 107."""
    assert not await door.proves(self_signed(jwk_of(AUTHORITY, with_certificate=True)), AUTHORITY.issue())


def workload(identifier: str = SPIFFE, by: Held = DOMAIN, **said: Any) -> Held:
    return by.issue("O=SPIRE", **{"uris": [identifier], **said})


SPIRE_SERVER = DOMAIN.issue("O=SPIRE", ca=True)


@pytest.mark.parametrize(
    ("shown", "right"),
    [
        pytest.param(workload(), True, id="right"),
        pytest.param(workload(by=SPIRE_SERVER), True, id="by an intermediate"),
        pytest.param(workload(dns=["app.example"]), True, id="with a host name beside"),
        pytest.param(workload(SPIFFE + "/x"), False, id="below"),
        pytest.param(workload("spiffe://example.org/App"), False, id="another case"),
        pytest.param(workload(by=OTHER_DOMAIN), False, id="issued by another trust domain"),
        pytest.param(workload(by=AUTHORITY), False, id="issued by the authority of other clients"),
        pytest.param(workload(uris=[SPIFFE, "spiffe://example.org/b"]), False, id="two IDs"),
        pytest.param(workload(uris=[SPIFFE, "https://app.example"]), False, id="another URI beside"),
        pytest.param(workload(uris=[], dns=["app.example"]), False, id="no ID"),
        pytest.param(workload(ca=True), False, id="an authority"),
        pytest.param(workload(uses=("key_agreement",)), False, id="not for signatures"),
        pytest.param(workload(uses=(SIGNS, CERTIFIES)), False, id="also for certificates"),
        pytest.param(workload(uses=(SIGNS, "crl_sign")), False, id="also for revocation lists"),
        pytest.param(workload(valid=PAST), False, id="expired"),
        pytest.param(None, False, id="none"),
    ],
)
async def test_a_workload_is_its_exact_spiffe_id_by_its_own_trust_domain(
    door: AtDoor, shown: Held | None, right: bool
) -> None:
    assert await door.proves(client(auth="spiffe_x509", spiffe_id=SPIFFE), shown) is right


async def test_a_workload_of_a_trust_domain_without_bundle_is_refused(door: AtDoor) -> None:
    unknown = "spiffe://unknown.org/app"
    assert not await door.proves(client(auth="spiffe_x509", spiffe_id=unknown), workload(unknown))


async def test_a_certificate_counts_only_for_the_method_that_is_registered(door: AtDoor) -> None:
    """Covers: check 72."""
    both = AUTHORITY.issue(uris=[SPIFFE])
    assert await door.proves(by_name(subject_dn="CN=app,O=Example"), both)
    assert not await door.proves(client(auth="spiffe_x509", spiffe_id=SPIFFE), both)
    assert not await door.proves(self_signed(jwk_of(OWN, with_certificate=True)), both)
    assert not await door.proves(client(auth="client_secret_post"), both)
    await door.world.register(by_name(subject_dn="CN=app,O=Example"))
    form = {"grant_type": "refresh_token", "refresh_token": "r", "client_id": "shop", "client_secret": "s"}
    assert (await door.post("/token", form, both)).json()["error"] == "invalid_client"


async def test_at_the_front_door_no_certificate_counts(door: AtDoor) -> None:
    """Covers: check 106."""
    await door.world.register(by_name(subject_dn="CN=app,O=Example"))
    form = {**REQUEST, "client_id": "shop", "redirect_uri": "https://shop.example/cb"}
    app, pem = oauth_endpoints(door.server), NAMED.pem

    async def with_tls(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "extensions": {"tls": {"client_cert_chain": (pem,)}}}, receive, send)

    door.world.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=with_tls), base_url=MTLS)
    assert (await post(door.world, "/par", form)).status_code == 401


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"auth": "tls_client_auth", "certificate": {"subject_dn": "no name"}}, "certificate"),
        ({"auth": "tls_client_auth", "certificate": {"subject_dn": ""}}, "certificate"),
        ({"auth": "tls_client_auth", "certificate": {"san_ip": "app.example"}}, "certificate"),
        ({"auth": "tls_client_auth", "certificate": {"san_dns": "*.example"}}, "certificate"),
        ({"auth": "tls_client_auth", "certificate": {"san_dns": "a", "san_uri": "b"}}, "certificate"),
        ({"auth": "spiffe_x509", "spiffe_id": "spiffe://example.org"}, "spiffe_id"),
        ({"auth": "spiffe_x509", "spiffe_id": "spiffe://Example.org/a"}, "spiffe_id"),
        ({"auth": "spiffe_x509", "spiffe_id": "spiffe://example.org/a/../b"}, "spiffe_id"),
        ({"auth": "spiffe_x509", "spiffe_id": "https://example.org/a"}, "spiffe_id"),
        (
            {
                "auth": "self_signed_tls_client_auth",
                "jwks": [{**jwk_of(OWN, with_certificate=True), **jwk_of(STRANGER, with_certificate=False)}],
            },
            r"jwks\[0\]",
        ),
        (
            {"auth": "self_signed_tls_client_auth", "jwks": [{**jwk_of(OWN, with_certificate=False), "x5c": ["AA"]}]},
            r"jwks\[0\]",
        ),
    ],
    ids=lambda told: str(told)[:60],
)
def test_a_name_that_no_certificate_can_carry_is_told_at_once(data: dict[str, Any], place: str) -> None:
    from grantline.model.errors import InvalidConfiguration

    with pytest.raises(InvalidConfiguration, match=rf"^\$\.{place}"):
        client(**data)
