"""A refusal as HTTP: problem+json (RFC 9457) and the challenge of the scheme in use (RFC 6750 §3, RFC 9449 §7.1)."""

from dataclasses import dataclass

import orjson

from grantline.crypto.dpop import ALGORITHMS
from grantline.gateway.enforce import Refused

RETRY_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Rendered:
    """Status, headers (lower-case names) and body of an answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def render(refused: Refused) -> Rendered:
    """What the caller is told. The operator's detail stays in the record."""
    deny, answer = refused.deny, refused.deny.answer
    problem: dict[str, object] = {
        "type": f"urn:grantline:reason:{deny.because}",
        "title": answer.title,
        "status": answer.status,
        "reason": deny.because.value,
        "evaluation_id": deny.evaluation,
    }
    if deny.missing:
        problem["authorization_details"] = deny.missing
    headers = [
        ("content-type", "application/problem+json"),
        ("cache-control", "no-store"),
        ("x-grantline-evaluation", deny.evaluation),
    ]
    if answer.status == 401 or answer.error is not None:
        headers += [("www-authenticate", challenge) for challenge in _challenges(refused)]
    if refused.nonce is not None:
        headers.append(("dpop-nonce", refused.nonce))
    if answer.status == 503:
        headers.append(("retry-after", str(RETRY_SECONDS)))
    return Rendered(answer.status, tuple(headers), orjson.dumps(problem))


def _challenges(refused: Refused) -> tuple[str, ...]:
    """One challenge for the scheme presented; both when none was, without an error code (RFC 6750 §3.1)."""
    schemes = (refused.scheme,) if refused.scheme is not None else ("DPoP", "Bearer")
    return tuple(_challenge(scheme, refused) for scheme in schemes)


def _challenge(scheme: str, refused: Refused) -> str:
    answer = refused.deny.answer
    parameters: list[str] = []
    if answer.error is not None:
        parameters += [f'error="{answer.error}"', f'error_description="{answer.title}"']
    if answer.error == "insufficient_scope" and refused.scopes:
        parameters.append(f'scope="{" ".join(refused.scopes)}"')
    if scheme == "DPoP":
        parameters.append(f'algs="{" ".join(ALGORITHMS)}"')
    return f"{scheme} {', '.join(parameters)}" if parameters else scheme
