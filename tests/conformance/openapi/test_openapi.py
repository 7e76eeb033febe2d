"""The server does what its OpenAPI description says, whatever it is sent: judged by schemathesis over real HTTP."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import Config, GenerationMode
from schemathesis.checks import CHECKS

from grantline.authorization.application import ENDPOINTS
from grantline.authorization.endpoints import paths
from tests.conformance.openapi.served import BASIC, Served, served
from tools.openapi import document
from tools.openapi.operations import BROWSERS, CLIENT_ID, GRANT_ID, OPERATIONS, Operation

DOCUMENT = document()
REFUSALS = ["400", "401", "403", "404", "413", "503"]
CONFIG = Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}})
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)
EXAMPLES = 25
EXCLUDED = CHECKS.get_by_names(["positive_data_acceptance", "ignored_auth"])
"""What a schema allows may still be no code, token or scope of the caller's. Who calls without proof: the last test."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("openapi")) as made:
        yield made


def credentials(server: Served, security: list[dict[str, Any]], path: str) -> dict[str, str]:
    """What the caller of this operation has to show."""
    schemes = {name for one in security for name in one}
    if "client_secret_basic" in schemes:
        return {"authorization": BASIC}
    if "registration_token" in schemes:
        return {"authorization": f"Bearer {server.registration_token}"}
    if "bearer_token" in schemes:
        token = server.person_token if path == paths.USERINFO else server.own_token
        return {"authorization": f"Bearer {token}"}
    return {}


def test_every_endpoint_is_described_or_is_where_browsers_go() -> None:
    described = {(one.path.partition("/{")[0], one.method.upper()) for one in OPERATIONS}
    there = {(path, method) for path, (_, methods) in ENDPOINTS.items() for method in methods if path not in BROWSERS}
    assert described == there


GOOD, BAD = GenerationMode.POSITIVE, GenerationMode.NEGATIVE


@pytest.mark.parametrize(
    ("operation", "mode"),
    [(one, GOOD) for one in OPERATIONS] + [(one, BAD) for one in OPERATIONS if one.body],
    ids=lambda one: getattr(one, "name", None),
)
def test_it_answers_as_described(server: Served, operation: Operation, mode: GenerationMode) -> None:
    """Covers: line 11."""
    described = SCHEMA[operation.path][operation.method]
    headers = credentials(server, operation.security, operation.path)

    @given(case=described.as_strategy(mode))
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    def check(case: Any) -> None:
        # An empty parameter counts as absent (RFC 6749 §3.1), which a schema cannot say.
        assume(not isinstance(case.body, dict) or "" not in case.body.values())
        case.call_and_validate(base_url=server.url, headers=headers, excluded_checks=EXCLUDED)

    check()


def case_of(operation: Operation, **parts: Any) -> Any:
    """A call with these parts; its body as the operation takes it."""
    media_type = next(iter(operation.body["content"])) if operation.body else None
    return SCHEMA[operation.path][operation.method].Case(media_type=media_type, **parts)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.security], ids=lambda one: one.name)
def test_it_is_closed_to_who_proves_nothing(server: Served, operation: Operation) -> None:
    """Covers: line 11."""
    parts: dict[str, Any] = {"body": {"token": "t"}} if operation.body else {}
    parts |= {"path_parameters": {"grant_id": server.grant}} if GRANT_ID in operation.parameters else {}
    parts |= {"query": {"client_id": "bank"}} if CLIENT_ID in operation.parameters else {}
    for shown in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic d3Jvbmc6d3Jvbmc="}):
        answer = case_of(operation, **parts).call(base_url=server.url, headers=shown)
        assert answer.status_code == 401, (shown, answer.text)


def test_what_is_there_is_told_changed_and_ended_as_described(server: Served) -> None:
    """Covers: line 6, line 11. A grant, an introspection, a registration, with data that are right."""
    named = {one.name: one for one in OPERATIONS}

    def call(name: str, token: str = "", **parts: Any) -> Any:
        shown = {"authorization": f"Bearer {token}" if token else BASIC}
        case = case_of(named[name], **parts)
        return case.call_and_validate(base_url=server.url, headers=shown, excluded_checks=EXCLUDED)

    which = {"path_parameters": {"grant_id": server.grant}}
    assert "calendar.events" in str(call("grant", server.own_token, **which).json())
    assert call("introspect", body={"token": server.person_token}).json()["active"] is True
    assert call("end_grant", server.own_token, **which).status_code == 204
    assert call("introspect", body={"token": server.person_token}).json() == {"active": False}

    notes = {"client_name": "Notes", "redirect_uris": ["https://notes.example/cb"], "scope": "calendar.events",
             "token_endpoint_auth_method": "none"}  # fmt: skip
    made = call("register", server.registration_token, body=notes).json()
    token, which = made["registration_access_token"], {"query": {"client_id": made["client_id"]}}
    assert call("registration", token, **which).json()["client_name"] == "Notes"
    changed = {**notes, "client_id": made["client_id"], "client_name": "Notes 2"}
    after = call("change_registration", token, body=changed, **which).json()
    assert after["client_name"] == "Notes 2"
    assert call("end_registration", after["registration_access_token"], **which).status_code == 204


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@pytest.mark.parametrize("path", sorted({one.path for one in OPERATIONS}))
def test_any_other_method_is_refused_with_those_that_there_are(server: Served, path: str) -> None:
    """Covers: check 67; RFC 9110 §15.5.6. Machines get it as they get every refusal: JSON, and nothing kept."""
    there = {one.method.upper() for one in OPERATIONS if one.path == path}
    there |= {"HEAD"} if "GET" in there else set()
    address = server.url + path.format(grant_id=server.grant, path="calendar")
    for method in sorted(METHODS - there - {"OPTIONS"}):
        answer = httpx2.request(method, address)
        assert answer.status_code == 405, (method, answer.text)
        assert set(answer.headers["allow"].replace(" ", "").split(",")) - {"HEAD", "OPTIONS"} == there - {"HEAD"}
        assert method == "HEAD" or answer.json()["error"] == "invalid_request"


def test_asking_from_the_browser_and_from_elsewhere_goes_as_described(server: Served) -> None:
    """Covers: line 1, line 2, line 11. Each request that is right has the answer that the document says it has."""
    named = {one.name: one for one in OPERATIONS}

    def call(name: str, **body: str) -> Any:
        case = case_of(named[name], body=body)
        answer = case.call_and_validate(base_url=server.url, headers={"authorization": BASIC}, excluded_checks=EXCLUDED)
        return answer.status_code, answer.json()

    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    status, pushed = call(
        "push", response_type="code", redirect_uri="https://bank.example/cb", scope="openid",
        code_challenge=challenge, code_challenge_method="S256",
    )  # fmt: skip
    assert (status, pushed["request_uri"][:8]) == (201, "urn:ietf")
    status, own = call("token", grant_type="client_credentials", scope="grant_management_query")
    assert (status, own["token_type"], own["scope"]) == (200, "Bearer", "grant_management_query")
    for name, grant_type, handle, more in (
        ("device", "urn:ietf:params:oauth:grant-type:device_code", "device_code", {}),
        ("backchannel", "urn:openid:params:grant-type:ciba", "auth_req_id", {"login_hint": "ada"}),
    ):
        status, begun = call(name, scope="openid calendar.events", **more)
        assert status == 200
        assert begun["expires_in"] > 0
        status, waiting = call("token", grant_type=grant_type, **{handle: begun[handle]})
        assert (status, waiting["error"]) == (400, "authorization_pending")
