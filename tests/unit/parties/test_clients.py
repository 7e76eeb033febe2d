"""Registrations are read strictly, and a mistake is named by its path."""

from typing import Any

import pytest

from grantline.crypto.es256 import SigningKey
from grantline.model.errors import InvalidConfiguration
from grantline.model.ids import PersonId
from grantline.parties import Client, Pairwise, read_client

GOOD: dict[str, Any] = {
    "id": "budget",
    "name": "Budget",
    "publisher": "Budget Ltd",
    "web": "https://app.example",
    "redirect_uris": ["https://app.example/cb"],
    "scopes": ["bank.transactions"],
}
KEY = SigningKey.generate().public.jwk


def test_a_plain_registration_is_read() -> None:
    """Covers: line 8."""
    client = read_client(GOOD)
    assert client == Client(**{**GOOD, "redirect_uris": ("https://app.example/cb",), "scopes": ("bank.transactions",)})
    assert not client.confidential
    assert client.sector_host == "app.example"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"redirect_uri": ["https://a.example"]}, "redirect_uri"),
        ({"name": 7}, r"clients\[2\]\.name: "),
        ({"redirect_uris": ["https://a.example/cb#x"]}, r"clients\[2\]\.redirect_uris\[0\]: "),
        ({"redirect_uris": []}, r"clients\[2\]\.redirect_uris: "),
        ({"redirect_uris": ["https://a.example/"] * 2}, r"clients\[2\]\.redirect_uris: "),
        ({"web": "javascript:alert(1)"}, r"clients\[2\]\.web: "),
        ({"id": "../etc"}, r"clients\[2\]\.id: "),
        ({"auth": "client_secret_basic"}, r"clients\[2\]\.auth: "),
        ({"auth": "private_key_jwt"}, r"clients\[2\]\.jwks: "),
        ({"jwks": [KEY]}, r"clients\[2\]\.jwks: "),
        ({"auth": "private_key_jwt", "jwks": [{**KEY, "d": "AA"}]}, r"clients\[2\]\.jwks: only public"),
        ({"auth": "private_key_jwt", "jwks": [{**KEY, "crv": "P-999"}]}, r"clients\[2\]\.jwks\[0\]: "),
        ({"name": "Bank\u202etegduB"}, r"clients\[2\]\.name: "),
        ({"publisher": "Budget\u200b Ltd"}, r"clients\[2\]\.name: "),
        ({"name": "Bud\nget"}, r"clients\[2\]\.name: "),
        ({"grants": ["password"]}, r"clients\[2\]\.grants: "),
        ({"profile": "fapi2"}, r"clients\[2\]\.profile: "),
        ({"audience": ["https://bank.example/api"]}, r"clients\[2\]\.audience: "),
    ],
)
def test_a_mistake_is_named_by_its_path(change: dict[str, Any], message: str) -> None:
    """Covers: line 8; check 44, 91, 128, 129."""
    with pytest.raises(InvalidConfiguration, match=message):
        read_client({**GOOD, **change}, "$.clients[2]")


def test_subjects_are_stable_in_a_sector_and_differ_between_sectors() -> None:
    """Covers: check 122."""
    names = Pairwise(b"k" * 32)
    one = names.subject("app.example", PersonId("p_1"))
    assert one == names.subject("app.example", PersonId("p_1"))
    assert one != names.subject("other.example", PersonId("p_1"))
    assert one != names.subject("app.example", PersonId("p_2"))
    assert "p_1" not in one
