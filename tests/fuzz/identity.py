"""What browsers and their authenticators send: passkeys' answers, portal forms, cookies."""

from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from grantline.identity.methods import passkey
from grantline.identity.methods.store import PasskeyRow
from grantline.model.errors import InvalidRequest
from grantline.model.ids import PersonId
from grantline.ui.kit.cookies import Cookies
from grantline.ui.kit.forms import FORM_TYPE, BadForm, read_form
from tests.fuzz.target import at_once, refused, target

PLACE = passkey.Place.of("https://as.example", "Grantline")
ROW = PasskeyRow("id", PersonId("p"), "key", bytes.fromhex("a0"), 0, False, 0)
CHALLENGE = bytes(32)


@target
def passkey_made(data: bytes) -> None:
    """A registration answer, with its attestation object and client data."""
    with refused(InvalidRequest):
        passkey.made(PLACE, data.decode(errors="replace"), CHALLENGE)
        raise AssertionError("believed")


@target
def attestation_object(data: bytes) -> None:
    """The CBOR inside a well formed registration answer."""
    encoded = _b64(data)
    client = _b64(orjson.dumps({"type": "webauthn.create", "challenge": _b64(CHALLENGE), "origin": PLACE.origin}))
    answer = {"clientDataJSON": client, "attestationObject": encoded}
    credential = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": answer}
    with refused(InvalidRequest):
        passkey.made(PLACE, orjson.dumps(credential).decode(), CHALLENGE)


def _b64(data: bytes) -> str:
    from webauthn.helpers import bytes_to_base64url

    return bytes_to_base64url(data)


@target
def passkey_used(data: bytes) -> None:
    """A sign-in answer: which passkey it names, and whether it signed."""
    credential = data.decode(errors="replace")
    with refused(passkey.Refused):
        assert passkey.named_in(credential)
    with refused(passkey.Refused):
        passkey.counted(PLACE, credential, CHALLENGE, ROW)
        raise AssertionError("believed")


def _posted(body: bytes, *headers: tuple[bytes, bytes]) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    return Request(scope, receive)


@target
def portal_form(data: bytes) -> None:
    """A form of the pages."""
    with refused(BadForm):
        form = at_once(read_form(_posted(data, (b"content-type", FORM_TYPE.encode()))))
        assert form.fields == tuple(parse_qsl(data.decode("ascii"), keep_blank_values=True))


@target
def cookie_header(data: bytes) -> None:
    """Every cookie that a browser may send."""
    cookies = Cookies(secure=True)
    for name in (cookies.session, cookies.browser, cookies.step):
        value = cookies.read(_posted(b"", (b"cookie", data)), name)
        assert value is None or 0 < len(value) <= 256
