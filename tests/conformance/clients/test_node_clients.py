"""openid-client and oauth4webapi: each program beside this file runs its whole flow; the person is ours."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.clients.served import CALLBACK, SCOPE, Served

HERE = Path(__file__).parent


def _run(authority: Served, program: str) -> dict[str, Any]:
    """What the program reports; its errors, if it stops before that."""
    told = {
        "issuer": authority.issuer, "callback": CALLBACK, "scope": SCOPE, "key": authority.key.as_dict(private=True)
    }  # fmt: skip
    node = subprocess.Popen(
        ["node", HERE / program], env={**os.environ, "CLIENT": json.dumps(told)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with node:
        assert node.stdin is not None
        assert node.stdout is not None
        assert node.stderr is not None
        for line in node.stdout:
            said = json.loads(line)
            if "result" in said:
                return said["result"]
            node.stdin.write(authority.allow(said["open"]) + "\n")
            node.stdin.flush()
        raise AssertionError(node.stderr.read())


@pytest.mark.parametrize("program", ["openid_client.js", "oauth4webapi.js"])
def test_a_person_connects_it_by_a_pushed_request_and_its_tokens_are_bound_to_its_key(
    authority: Served, node_packages: None, program: str
) -> None:
    """PAR, PKCE, private_key_jwt, DPoP with nonces, ID token, userinfo, refresh, revocation, client credentials."""
    saw = _run(authority, program)
    assert (saw["type"], saw["name"], saw["same"]) == ("dpop", "Visitor Example", True)
    assert set(saw["scope"].split()) >= {"openid", "calendar.events"}
    assert saw["refused"] == "invalid_grant"
    assert saw["service"] == {"type": "dpop", "scope": "calendar.events"}
    # A nonce for the pushed request and one for the service's first; later ones come with the answers.
    assert saw.get("nonces", 2) >= 2
