"""base64url has one spelling for each value; every other is refused."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantline.crypto.encoding import b64url, unb64url


@given(st.binary(max_size=200))
def test_what_is_written_is_read_back_and_is_what_the_standard_library_writes(data: bytes) -> None:
    text = b64url(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert unb64url(text) == data


@given(st.text(alphabet="ABQgwz09-_", max_size=12))
def test_only_the_one_spelling_of_a_value_is_read(text: str) -> None:
    try:
        data = unb64url(text)
    except ValueError:
        return
    assert b64url(data) == text


@pytest.mark.parametrize("text", ["A", "AAAAA", "AB", "AAB", "AA==", "AA\n", "A+AA", "A/AA", "AA AA", "é"])
def test_doubtful_text_is_refused(text: str) -> None:
    """Impossible lengths, spare bits, padding, letters of the other alphabet, whitespace, what is not ASCII."""
    with pytest.raises(ValueError, match=r".+"):
        unb64url(text)
