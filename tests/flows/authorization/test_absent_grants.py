"""What does not exist here: no token by password, none through the browser's address, and no way to be told so."""

import pytest

from grantline.authorization.endpoints.metadata import describe
from grantline.authorization.grants import grants
from grantline.model.errors import InvalidConfiguration
from grantline.parties import GRANT_TYPES
from tests.authorization_world import PUBLIC, World
from tests.flows.authorization.raw import REQUEST, post
from tests.grants_world import confidential


@pytest.mark.parametrize("name", ["password", "implicit", "urn:ietf:params:oauth:grant-type:saml2-bearer", "Password"])
async def test_no_token_by_password_or_any_other_grant_that_is_not_there(world: World, name: str) -> None:
    """Covers: check 91; CVE-2026-9792."""
    form = {"grant_type": name, "client_id": PUBLIC.id, "username": "ada", "password": "secret", "scope": "openid"}
    answer = await post(world, "/token", form)
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    with pytest.raises(InvalidConfiguration, match="grants"):
        confidential("older", grants=[name])


@pytest.mark.parametrize(
    "kind", ["token", "id_token", "id_token token", "code id_token", "code token", "code id_token token", "none", ""]
)
async def test_no_token_through_the_browser(world: World, kind: str) -> None:
    """Covers: check 91, 10."""
    answer = await post(world, "/par", {**REQUEST, "response_type": kind or None})
    expected = "unsupported_response_type" if kind else "invalid_request"
    assert (answer.status_code, answer.json()["error"]) == (400, expected)


def test_what_is_told_is_what_there_is(world: World) -> None:
    """Covers: check 126."""
    told = describe(world.server)
    assert set(told["grant_types_supported"]) == set(grants()) <= GRANT_TYPES
    assert told["response_types_supported"] == ["code"]
    assert {
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    } <= set(told["grant_types_supported"])
