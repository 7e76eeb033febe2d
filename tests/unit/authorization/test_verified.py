"""A token whose signature was checked is known again, until the keys that checked it are no longer the same."""

from grantline.authorization.verified import Verified
from grantline.crypto.es256 import SigningKey
from grantline.model.feed import Position
from grantline.model.ids import ClientId, ConsentId, SubjectId, TokenId
from grantline.model.token import AccessClaims

CLAIMS = AccessClaims(
    iss="http://localhost:9000", aud=("urn:api",), sub=SubjectId("s"), client_id=ClientId("app"), exp=2, iat=1,
    jti=TokenId("j"), scope="", grant_id=ConsentId("g"), gver=1, gep=1, seq=Position(1, 0), pur=(),
)  # fmt: skip
OLD, NEW = SigningKey.generate().public, SigningKey.generate().public


def test_a_token_is_forgotten_when_any_key_comes_or_goes() -> None:
    for later in ((NEW,), (OLD, NEW), ()):
        verified = Verified()
        assert verified.find("token", (OLD,)) is None
        verified.keep("token", CLAIMS)
        assert verified.find("token", (OLD,)) == CLAIMS
        assert verified.find("token", later) is None


def test_another_token_is_not_taken_for_it() -> None:
    verified = Verified()
    verified.find("token", (OLD,))
    verified.keep("token", CLAIMS)
    assert verified.find("token ", (OLD,)) is None


def test_only_so_many_are_remembered_and_the_oldest_goes_first() -> None:
    verified = Verified(most=2)
    for name in ("first", "second", "third"):
        verified.find(name, (OLD,))
        verified.keep(name, CLAIMS)
    found = [verified.find(name, (OLD,)) is not None for name in ("first", "second", "third")]
    assert found == [False, True, True]
