"""Forms and queries, read once and strictly."""

from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantline.authorization.parameters import MAX_COUNT, read_encoded, read_into
from grantline.model.errors import InvalidRequest

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=50)


@given(st.dictionaries(NAMES.filter(lambda name: name != "resource"), VALUES, max_size=20))
def test_what_was_encoded_is_what_is_read(form: dict[str, str]) -> None:
    """Covers: check 11 (byte for byte)."""
    assert read_encoded(urlencode(form)) == form
    assert (
        read_encoded("&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in form.items()))
        == form
    )


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Covers: bad input."""
    try:
        form = read_encoded(body.decode("latin-1"))
    except InvalidRequest:
        return
    assert all(form.values())


@pytest.mark.parametrize(
    "text",
    ["a=1&a=2", "a=1&a=", "a=%ff", "a=%00", "=1", f"{'n' * 101}=1", f"a={'v' * 20_000}", "&".join(
        f"p{number}=1" for number in range(MAX_COUNT + 1)
    )],
)  # fmt: skip
def test_repeated_oversized_and_malformed_parameters_are_refused(text: str) -> None:
    """Covers: bad input; check 6."""
    with pytest.raises(InvalidRequest):
        read_encoded(text)


def test_only_resource_may_be_repeated_and_an_empty_value_is_none() -> None:
    """Covers: RFC 8707 §2; RFC 6749 §3.1."""
    read = read_encoded("resource=a&resource=b&state=&x=1")
    assert read == {"resource": ("a", "b"), "x": "1"}


class Wanted(msgspec.Struct, frozen=True):
    code: str
    many: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({}, "The parameter code is missing."),
        ({"code": ("a",)}, "The parameter code is malformed or too long."),
        ({"code": "a", "many": "b"}, "The parameter many is malformed or too long."),
    ],
)
def test_the_sentence_names_the_parameter_and_never_its_value(form: Any, sentence: str) -> None:
    """Covers: bad input (a message that says what to do)."""
    with pytest.raises(InvalidRequest) as refused:
        read_into(Wanted, form)
    assert refused.value.message == sentence
