"""Whatever somebody types into the field for a code, it is read as exactly one code or as none."""

from hypothesis import given
from hypothesis import strategies as st

from grantline.authorization import user_codes

CODES = st.text(user_codes.ALPHABET, min_size=user_codes.LENGTH, max_size=user_codes.LENGTH)
BETWEEN = st.text("- .\t_/·–", max_size=3)


@given(st.text(max_size=200))
def test_no_text_is_read_as_anything_but_a_code(typed: str) -> None:
    """Never an error, never a letter that no code has."""
    code = user_codes.read(typed)
    assert code is None or (len(code) == user_codes.LENGTH and set(code) <= set(user_codes.ALPHABET))


@given(CODES, st.lists(BETWEEN, min_size=8, max_size=8), st.lists(st.booleans(), min_size=8, max_size=8))
def test_a_code_is_read_however_it_is_typed(code: str, between: list[str], small: list[bool]) -> None:
    letters = [letter.lower() if low else letter for letter, low in zip(code, small, strict=True)]
    assert user_codes.read("".join(a + b for a, b in zip(letters, between, strict=True))) == code
