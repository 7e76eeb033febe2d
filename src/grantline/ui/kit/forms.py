"""Posted forms: bounded, of one type, from this site, and with a token bound to the session and to the act."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request

LARGEST = 16_384
MOST_FIELDS = 200
FORM_TYPE = "application/x-www-form-urlencoded"


class BadForm(Exception):
    """The form is not one of ours. `code` names the error page."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Form:
    """The fields as they were sent, in order."""

    fields: tuple[tuple[str, str], ...]

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of one name."""
        return tuple(value for key, value in self.fields if key == name)

    def one(self, name: str, default: str = "") -> str:
        """The only value of a name. Raises `BadForm` when it is repeated."""
        values = self.all(name)
        if len(values) > 1:
            raise BadForm("form_changed", f"{name} is repeated")
        return values[0] if values else default

    def only(self, *names: str) -> None:
        """Raises `BadForm` when the form holds any other name."""
        if unknown := {name for name, _ in self.fields} - set(names):
            raise BadForm("form_changed", f"unknown fields {sorted(unknown)}")


async def read_form(request: Request) -> Form:
    """Read and parse a posted form. Raises `BadForm` on another type, another site, or more than fits."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise BadForm("form_expired", "posted from another site")
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM_TYPE:
        raise BadForm("form_changed", "not a form")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise BadForm("form_changed", "too large")
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict",
            max_num_fields=MOST_FIELDS,
        )  # fmt: skip
    except ValueError as error:
        raise BadForm("form_changed", "not readable as a form") from error
    return Form(tuple(fields))


def form_token(secret: str, act: str) -> str:
    """The token of one act in one session: HMAC-SHA256 under the session's secret, 128 bits, base64url."""
    digest = hmac.digest(secret.encode(), act.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def require_token(form: Form, secret: str | None, act: str) -> None:
    """Raises `BadForm` unless the form carries the token of this session for this very act."""
    if secret is None or not hmac.compare_digest(form.one("csrf").encode(), form_token(secret, act).encode()):
        raise BadForm("form_expired", f"token does not fit {act}")
