"""What an authorization server answers, read strictly."""

from contextlib import suppress
from typing import Any

import httpx2
import msgspec

from grantline.model.reading import decoded


class AccessRefused(Exception):
    """The server said no: `code` is its OAuth error code, `description` its sentence, `status` its HTTP status."""

    def __init__(self, code: str, description: str, status: int) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.status = status


class Metadata(msgspec.Struct, frozen=True):
    """The members of RFC 8414 that this client needs."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    pushed_authorization_request_endpoint: str
    revocation_endpoint: str
    code_challenge_methods_supported: tuple[str, ...]


class Tokens(msgspec.Struct, frozen=True):
    """A token answer. `expires_in`: seconds. `authorization_details`: what was really agreed (RFC 9396 §7)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str = ""
    grant_id: str = ""
    refresh_token: str | None = None
    id_token: str | None = None
    authorization_details: tuple[dict[str, Any], ...] = ()


class Pushed(msgspec.Struct, frozen=True):
    """The name of a pushed request; `expires_in` seconds."""

    request_uri: str
    expires_in: int


class _Refusal(msgspec.Struct, frozen=True):
    error: str = "invalid_response"
    error_description: str = ""


def read_answer(response: httpx2.Response, kind: Any) -> Any:
    """The body as `kind`; raises `AccessRefused` for an error, and for an answer that is none of ours."""
    if response.status_code >= 400:
        refusal = _Refusal()
        with suppress(msgspec.MsgspecError):
            refusal = decoded(response.content, _Refusal)
        raise AccessRefused(refusal.error, refusal.error_description, response.status_code)
    try:
        return decoded(response.content, kind)
    except msgspec.MsgspecError as error:
        raise AccessRefused("invalid_response", str(error), response.status_code) from error


def asks_for_nonce(response: httpx2.Response) -> bool:
    """True if the server wants the proof again, with the nonce of this answer (RFC 9449 §8)."""
    if response.status_code not in {400, 401}:
        return False
    with suppress(msgspec.MsgspecError):
        return decoded(response.content, _Refusal).error == "use_dpop_nonce"
    return False
