"""Compact JWS wherever one is read: any text, and any payload that a known key has signed."""

import msgspec

from grantline.authorization.client_keys import Unverified, open_signed
from grantline.crypto.assertions import InvalidAssertion, open_assertion
from grantline.crypto.encoding import b64url, unb64url
from grantline.crypto.es256 import InvalidJws, open_jws
from grantline.crypto.instance import TYP as INSTANCE
from grantline.crypto.instance import read_instance_token
from grantline.gateway.refusal import Refusal
from grantline.gateway.verify import TYP as ACCESS
from grantline.gateway.verify import Tokens
from grantline.ledger.access import TYP as STATEMENT
from grantline.ledger.access import Producers, UnknownProducer
from grantline.model.decision import Call
from grantline.model.ids import ApiId
from grantline.sdk.resource_server.context import TYP as CONTEXT
from grantline.sdk.resource_server.context import ContextRefused, ContextVerifier
from tests.fuzz.keys import JWK, KEY, NOW, Stopped, find, signed
from tests.fuzz.target import at_once, refused, target, text

PRODUCERS = Producers({"fuzz": msgspec.json.encode(JWK)}, dict, lambda: NOW)


@target
def base64url(data: bytes) -> None:
    """What is read has one spelling alone."""
    with refused(ValueError):
        assert b64url(unb64url(data)).encode() == data
    assert unb64url(b64url(data)) == data


@target
def compact_jws(data: bytes) -> None:
    """Text, by each of the three readers. None of it was signed by a key that is known."""
    told = text(data)
    for read, error in (
        (lambda: open_jws(told, find, "jwt"), InvalidJws),
        (lambda: open_signed(told, (JWK,), ("ES256",)), Unverified),
        (lambda: open_assertion(told).proven_by((JWK,), algorithms=("ES256",), types={"", "jwt"}), InvalidAssertion),
    ):
        with refused(error):
            read()
            raise AssertionError("believed")


@target
def jws_header(data: bytes) -> None:
    """Any header under a signature that holds: what is believed names our algorithm, our type and nothing critical."""
    message = f"{b64url(data)}.{b64url(b'{}')}"
    token = f"{message}.{b64url(KEY.sign(message.encode()))}"
    with refused(InvalidJws):
        assert open_jws(token, find, "jwt").payload == b"{}"
    with refused(Unverified):
        assert open_signed(token, (JWK,), ("ES256",)).payload == b"{}"
    with refused(InvalidAssertion):
        open_assertion(token).proven_by((JWK,), algorithms=("ES256",), types={"", "jwt"})


@target
def access_token(data: bytes) -> None:
    """The Authorization header of a call at a gateway."""
    call = Call("GET", "/", "", "https://api.example/", {"authorization": (text(data),)}, ApiId("bank"), frozenset())
    with refused(Refusal):
        at_once(Tokens(find).verify(call, issuer="https://as.example", audience="https://api.example", now=NOW))


@target
def access_claims(data: bytes) -> None:
    """Any claims under a signature of the issuer."""
    token = signed(data, typ=ACCESS)
    call = Call("GET", "/", "", "", {"authorization": (f"Bearer {token}",)}, ApiId("bank"), frozenset())
    with refused(Refusal):
        at_once(Tokens(find).verify(call, issuer="https://as.example", audience="https://api.example", now=NOW))


@target
def instance_claims(data: bytes) -> None:
    """Any claims under the signature of a gateway."""
    with refused(InvalidJws):
        assert read_instance_token(signed(data, typ=INSTANCE), find, "https://as.example", Stopped()).exp > NOW - 60


@target
def producer_header(data: bytes) -> None:
    """The Authorization header at the ledger's door."""
    with refused(UnknownProducer):
        PRODUCERS.identify(text(data))


@target
def producer_claims(data: bytes) -> None:
    """Any claims under the signature of a producer; they are read before it is checked."""
    with refused(UnknownProducer):
        assert PRODUCERS.identify(f"Bearer {signed(data, typ=STATEMENT)}") == "fuzz"


@target
def gateway_context(data: bytes) -> None:
    """Any claims under the signature of a gateway, as an API gets them."""
    verifier = ContextVerifier({"gateway-1": [JWK]}, "https://api.example", clock=Stopped())
    with refused(ContextRefused):
        verifier.admit((signed(data, typ=CONTEXT),), "GET", "/")
    with refused(ContextRefused):
        verifier.admit((text(data),), "GET", "/")
