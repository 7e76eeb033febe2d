"""What a sign-in may call itself, and whether that is enough for what somebody asks."""

from dataclasses import dataclass

import pytest

from grantline.identity import SUPPORTED, needs_more_than_one_factor, satisfies, told
from grantline.identity.levels import BY_CODE, BY_PASSKEY, BY_PASSWORD, MFA, PASSKEY, PASSWORD, UPSTREAM

NOW = 1_800_000_000


@dataclass(frozen=True)
class At:
    acr: str
    auth_time: int = NOW


@pytest.mark.parametrize(
    ("asked", "enough"),
    [
        ((), {PASSWORD, UPSTREAM, MFA, PASSKEY}),
        ((PASSWORD,), {PASSWORD, UPSTREAM, MFA, PASSKEY}),
        ((UPSTREAM,), {UPSTREAM}),
        ((MFA,), {MFA, PASSKEY}),
        ((PASSKEY,), {PASSKEY}),
        (("phr",), {PASSKEY}),
        (("phrh",), set()),
        (("phrh", MFA), {MFA, PASSKEY}),
        (("urn:elsewhere:gold",), set()),
    ],
)
def test_a_level_is_met_by_itself_and_by_more(asked: tuple[str, ...], enough: set[str]) -> None:
    """`phrh` would say that a key cannot leave its hardware, which nobody told us."""
    assert {acr for acr in (PASSWORD, UPSTREAM, MFA, PASSKEY) if satisfies(At(acr), asked, None, NOW)} == enough


def test_a_sign_in_counts_until_its_age_is_more_than_asked() -> None:
    assert satisfies(At(MFA, NOW - 60), (MFA,), 60, NOW)
    assert not satisfies(At(MFA, NOW - 61), (MFA,), 60, NOW)
    assert not satisfies(At(PASSWORD), (MFA,), 60, NOW)
    assert satisfies(At(PASSWORD, NOW), (), 0, NOW)
    assert not satisfies(At(PASSWORD, NOW - 1), (), 0, NOW)


def test_a_level_is_told_in_the_words_of_who_asked_and_never_higher_than_it_is() -> None:
    assert told(At(PASSKEY), ("phrh", "phr", MFA)) == "phr"
    assert told(At(MFA), ("phr", MFA)) == MFA
    assert told(At(PASSWORD), ("phr",)) == PASSWORD
    assert told(At(PASSWORD), ()) == PASSWORD


def test_what_is_offered_can_be_reached() -> None:
    assert all(any(satisfies(At(acr), (value,), None, NOW) for acr in (PASSWORD, MFA, PASSKEY)) for value in SUPPORTED)
    assert "phrh" not in SUPPORTED


def test_two_factors_say_so_by_their_registered_names() -> None:
    """RFC 8176 §2."""
    both = BY_PASSWORD.followed_by(BY_CODE)
    assert (both.amr, both.acr) == (("pwd", "otp", "mfa"), MFA)
    key = BY_PASSWORD.followed_by(BY_PASSKEY)
    assert (key.amr, key.acr) == (("pwd", "pop", "user", "mfa"), PASSKEY)
    assert (BY_PASSKEY.amr, BY_PASSKEY.is_one_factor) == (("pop", "user", "mfa"), False)


def test_what_one_factor_can_never_meet_is_known_beforehand() -> None:
    assert needs_more_than_one_factor((MFA,))
    assert needs_more_than_one_factor(("phr", PASSKEY))
    assert not needs_more_than_one_factor((MFA, PASSWORD))
    assert not needs_more_than_one_factor(())
