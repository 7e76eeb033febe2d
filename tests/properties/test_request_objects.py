"""Whatever JSON a client signs, it is read as a form would be, or refused; never anything else."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from grantline.authorization.client_keys import Unverified, open_signed
from grantline.authorization.parameters import read_encoded
from grantline.authorization.steps.request_object import read_claims, to_form
from grantline.crypto.es256 import SigningKey
from grantline.model.errors import InvalidRequestObject

KEY = SigningKey.generate()
ANY_TEXT = st.text(st.characters(codec=None), max_size=30)  # Halves of surrogate pairs too.
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4))
NAMES = st.sampled_from(["scope", "state", "resource", "claims", "max_age", "exp", "aud"]) | ANY_TEXT
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)


@given(st.dictionaries(NAMES, JSON, max_size=8) | JSON)
@example({"state": "\ud800"})
@example({"claims": {"half": "\udfff"}})
@example({"state": "nul\0"})
def test_signed_json_becomes_parameters_or_is_refused(value: Any) -> None:
    """Covers: line 11; property of the request-object parser."""
    try:
        form = to_form(read_claims(json.dumps(value).encode()))
    except (Unverified, InvalidRequestObject):
        return
    assert isinstance(value, dict)
    assert set(form) <= set(value) - {"exp", "aud"}
    for name, found in form.items():
        texts = found if isinstance(found, tuple) else (found,)
        assert isinstance(found, tuple) == (name == "resource")
        assert all(isinstance(one, str) and one.encode().decode() == one and "\0" not in one for one in texts)


@given(st.dictionaries(st.sampled_from(["scope", "state", "nonce", "prompt", "redirect_uri"]), PLAIN))
def test_text_inside_reads_as_the_same_text_of_a_form(parameters: dict[str, str]) -> None:
    """Covers: line 11; a signed request says what the plain one would."""
    from urllib.parse import urlencode

    assert to_form(read_claims(json.dumps(parameters).encode())) == read_encoded(urlencode(parameters))


@given(st.binary(max_size=60))
def test_bytes_are_claims_or_refused(payload: bytes) -> None:
    """Covers: line 11."""
    with suppress(Unverified):
        assert isinstance(read_claims(payload), dict)


@given(ANY_TEXT | st.binary(max_size=80).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_no_signed_request(text: str) -> None:
    """Covers: check 20."""
    try:
        open_signed(text, [KEY.public.jwk], ("ES256",))
    except Unverified:
        return
    raise AssertionError("accepted")


@given(st.integers(0, 500), st.integers(1, 255))
def test_one_changed_byte_is_enough(place: int, change: int) -> None:
    """Covers: check 20; the signature covers header and claims."""
    token = bytearray(KEY.sign_jws(b'{"state":"one"}', "oauth-authz-req+jwt").encode())
    token[place % (len(token) - 2)] ^= change
    try:
        opened = open_signed(token.decode("latin-1"), [KEY.public.jwk], ("ES256",))
    except Unverified:
        return
    raise AssertionError(opened)
