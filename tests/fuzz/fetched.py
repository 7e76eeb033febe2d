"""What was fetched from other servers, and the addresses it is fetched from."""

from urllib.parse import urlsplit

from grantline.authorization.remote import _read_keys
from grantline.authorization.resource_lists import MOST
from grantline.authorization.resource_lists import _read as read_resources
from grantline.fetching import JWKS, Bounds, CannotFetch, fresh_for, read_url
from grantline.identity.fetching import Unreachable
from grantline.identity.methods import upstream
from grantline.identity.provider import _object
from grantline.identity.settings import UpstreamSettings
from grantline.model.errors import TemporarilyUnavailable
from grantline.model.ids import ApiId
from tests.fuzz.keys import JWK, NOW, signed
from tests.fuzz.target import refused, target, text

PROVIDER = UpstreamSettings(name="other", title="Other", issuer="https://other.example", client_id="us")
BOUNDS = Bounds(least=60, most=86_400, unsaid=3_600)


@target
def fetch_address(data: bytes) -> None:
    """Only https, only names, and what is asked is what was read."""
    with refused(CannotFetch):
        url = read_url(text(data))
        assert (
            url.text == f"https://{urlsplit(url.text).netloc}" + url.text[len(f"https://{urlsplit(url.text).netloc}") :]
        )
        assert urlsplit(url.text).hostname == url.host
        assert "." in url.host
        assert url.target.startswith("/") or url.target.startswith("?") is False
        assert url.port == 443 or url.port > 1_023


@target
def fetched_headers(data: bytes) -> None:
    """Cache headers, one a line: `name: value`. Always within our bounds."""
    lines = (line.partition(": ") for line in text(data).split("\n"))
    headers = {name.lower(): value for name, _, value in lines}
    assert BOUNDS.least <= fresh_for(headers, BOUNDS) <= BOUNDS.most
    JWKS.reads(headers.get("content-type", ""))


@target
def fetched_keys(data: bytes) -> None:
    """A JWK set: public keys alone."""
    with refused(ValueError):
        assert not any({"d", "k"} & set(key) for key in _read_keys(data))


@target
def resource_list(data: bytes) -> None:
    """What an API says that a person has there."""
    with refused(TemporarilyUnavailable):
        assert len(read_resources(ApiId("bank"), data)) <= MOST


@target
def provider_metadata(data: bytes) -> None:
    """The discovery document of another provider: its own issuer, https throughout."""
    with refused(upstream.Refused):
        found = upstream.discovered(data, PROVIDER)
        assert found.issuer == PROVIDER.issuer
        assert urlsplit(found.token_endpoint).scheme == "https"


@target
def provider_answer(data: bytes) -> None:
    """Its token answer, and its keys."""
    with refused(Unreachable):
        keys = _object(data)
        with refused(upstream.Refused):
            upstream.account_of(signed(b"{}"), keys, PROVIDER, nonce="n", now=NOW)


@target
def provider_claims(data: bytes) -> None:
    """Any claims under its signature, and any text in place of an ID token."""
    for token in (signed(data), text(data)):
        with refused(upstream.Refused):
            account = upstream.account_of(token, {"keys": [JWK]}, PROVIDER, nonce="n", now=NOW)
            assert 0 < len(account.sub) <= 255
            assert len(account.name) <= 100
