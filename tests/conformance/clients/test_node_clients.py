"""openid-client and oauth4webapi: each program beside this file runs its whole flow."""

import re

import pytest

from tests.conformance.clients.declared import PERSON
from tests.conformance.clients.elsewhere import answer_elsewhere
from tests.conformance.clients.programs import run
from tests.conformance.clients.served import Served


@pytest.mark.parametrize("program", ["openid_client.js", "oauth4webapi.js"])
def test_a_person_connects_it_by_a_pushed_request_and_its_tokens_are_bound_to_its_key(
    authority: Served, node_packages: None, program: str
) -> None:
    """PAR, PKCE, private_key_jwt, DPoP with nonces, ID token, userinfo, refresh, revocation, client credentials."""
    saw = run(authority, program)
    assert (saw["type"], saw["name"], saw["same"]) == ("dpop", "Visitor Example", True)
    assert set(saw["scope"].split()) >= {"openid", "calendar.events"}
    assert saw["refused"] == "invalid_grant"
    assert saw["service"] == {"type": "dpop", "scope": "calendar.events"}
    # A nonce for the pushed request and one for the service's first; later ones come with the answers.
    assert saw.get("nonces", 2) >= 2


def test_a_person_answers_a_device_and_a_call_elsewhere(authority: Served, node_packages: None) -> None:
    """RFC 8628 and CIBA by poll: oauth4webapi's own requests, its checks of every answer and ID token."""
    saw = run(authority, "oauth4webapi_elsewhere.js", act=answer_elsewhere, person=PERSON)
    assert (saw["early"], saw["again"]) == ("authorization_pending", "invalid_grant")
    assert re.fullmatch(r"[A-Z]{4}-[A-Z]{4}", saw["code"])
    assert saw["interval"] == 5
    assert saw["device"] == saw["called"] == "openid calendar.events"
    assert (saw["deviceClaims"], saw["calledClaims"]) == ("device-app", "calling-app")
