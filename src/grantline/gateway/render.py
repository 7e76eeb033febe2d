"""A refusal as HTTP: problem+json (RFC 9457) and the challenge of the scheme in use (RFC 6750 §3, RFC 9449 §7.1).

It also says what the person would have to do (RFC 9470 §3).
"""

import orjson

from grantline.crypto.dpop import ALGORITHMS
from grantline.gateway.enforce import Refused
from grantline.gateway.rendered import Rendered
from grantline.gateway.step_up import StepUp

RETRY_SECONDS = 1


def render(refused: Refused, metadata: str | None = None) -> Rendered:
    """What the caller is told. The operator's detail stays in the record. `metadata`: address of the API's own."""
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
        headers += [("www-authenticate", challenge) for challenge in _challenges(refused, metadata)]
    if refused.nonce is not None:
        headers.append(("dpop-nonce", refused.nonce))
    if answer.status == 503:
        headers.append(("retry-after", str(RETRY_SECONDS)))
    return Rendered(answer.status, tuple(headers), orjson.dumps(problem))


def _challenges(refused: Refused, metadata: str | None) -> tuple[str, ...]:
    """One challenge for the scheme presented; both when none was, without an error code (RFC 6750 §3.1)."""
    schemes = (refused.scheme,) if refused.scheme is not None else ("DPoP", "Bearer")
    return tuple(_challenge(scheme, refused, metadata) for scheme in schemes)


def _demanded(step_up: StepUp) -> list[str]:
    """What to send the person through the authorization endpoint with (RFC 9470 §3)."""
    levels = [f'acr_values="{" ".join(step_up.acr_values)}"'] if step_up.acr_values else []
    return levels if step_up.max_age is None else [*levels, f'max_age="{step_up.max_age}"']


def _challenge(scheme: str, refused: Refused, metadata: str | None) -> str:
    answer = refused.deny.answer
    parameters: list[str] = []
    if answer.error is not None:
        parameters += [f'error="{answer.error}"', f'error_description="{answer.title}"']
    if answer.error == "insufficient_scope" and refused.scopes:
        parameters.append(f'scope="{" ".join(refused.scopes)}"')
    if refused.step_up is not None:
        parameters += _demanded(refused.step_up)
    if metadata is not None:
        parameters.append(f'resource_metadata="{metadata}"')
    if scheme == "DPoP":
        parameters.append(f'algs="{" ".join(ALGORITHMS)}"')
    return f"{scheme} {', '.join(parameters)}" if parameters else scheme
