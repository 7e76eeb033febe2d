"""No access token is larger than promised, whatever is asked for."""

from hypothesis import given
from hypothesis import strategies as st

from grantline.authorization.server import Keys, Server
from grantline.authorization.tokens import access
from grantline.crypto.es256 import SigningKey
from grantline.model.errors import InvalidTarget
from grantline.model.feed import Position
from grantline.model.ids import ClientId, ConsentId, FamilyId, PurposeId, SubjectId, TokenId
from grantline.model.levels import MET_BY
from grantline.model.token import AccessClaims, Confirmation

KEYS = Keys.of(SigningKey.generate(), b"k" * 32)
WORDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz.:/", min_size=1, max_size=60)
LISTS = st.lists(WORDS, min_size=1, max_size=12, unique=True)


class Named:
    """As much of a server as the size depends on."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.keys = KEYS


def largest(issuer: str, client: str, scope: str, resources: tuple[str, ...], purposes: set[str]) -> AccessClaims:
    """A token with every value that no request decides at its longest."""
    return AccessClaims(
        iss=issuer, aud=resources, sub=SubjectId("pw_" + "s" * 24), client_id=ClientId(client), exp=9_999_999_999,
        iat=9_999_999_999, jti=TokenId("j" * 22), scope=scope, grant_id=ConsentId("g_" + "g" * 22), gver=999_999,
        gep=999_999, seq=Position(999_999, 999_999_999_999), pur=tuple(PurposeId(one) for one in sorted(purposes)),
        fam=FamilyId("f_" + "f" * 22), cnf=Confirmation("k" * 43), acr=max(MET_BY, key=len), auth_time=9_999_999_999,
    )  # fmt: skip


@given(WORDS, WORDS, LISTS, LISTS, LISTS)
def test_what_is_let_in_fits(issuer: str, client: str, scopes: list[str], resources: list[str], why: list[str]) -> None:
    """Covers: ARCHITECTURE.md "Tokens" (≤ 1,200 bytes)."""
    scope = " ".join(scopes)
    server: Server = Named(issuer)  # type: ignore[assignment]
    try:
        access.require_fits(server, client, scope, tuple(resources), set(why))
    except InvalidTarget:
        return
    token = access.sign(server, largest(issuer, client, scope, tuple(resources), set(why)))
    assert len(token) <= access.MAX_BYTES


def test_a_usual_request_is_let_in() -> None:
    """Covers: ARCHITECTURE.md "Tokens": the bound refuses nothing that is usual."""
    server: Server = Named("https://login.bank.example")  # type: ignore[assignment]
    scopes = "openid bank.transactions bank.balances bank.categories calendar.events"
    resources = ("https://bank.example/api", "https://calendar.example/api", "https://login.bank.example")
    access.require_fits(server, "budget", scopes, resources, {"budgeting", "credit-check"})
