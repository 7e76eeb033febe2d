"""What every answer of the pages carries: no foreign content, no frames, no traces (CSP Level 3, RFC 6797 aside)."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PERMISSIONS = ", ".join(
    f"{feature}=()" for feature in ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")
)

SCRIPT = "; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'"

SENDS_ITSELF = "; script-src 'self'; require-trusted-types-for 'script'"


def content_security_policy(
    form_target: str | None = None, *, script: bool = False, posts: bool = False, frames: Iterable[str] = ()
) -> str:
    """The policy of one page. `form_target`: the one further source a form's answer may redirect to.

    Browsers apply `form-action` to redirects after a post as well, so the client's address is named there.
    `script`: the page brings a file of ours that may run and ask us (passkeys); others have none at all.
    `posts`: a file of ours sends the page's form, which goes to `form_target` and nowhere else (check 28).
    `frames`: addresses that the page loads in frames, until a file of ours goes on; nothing else may be framed.
    """
    framed = dict.fromkeys(source for frame in frames if (source := redirect_source(frame)) is not None)
    own = ["'self'"] if not posts or form_target is None else []
    forms = " ".join([*own, *([] if form_target is None else [form_target])])
    return (
        "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; "
        f"form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
        f"{SCRIPT if script else SENDS_ITSELF if posts or framed else ''}"
        f"{'; frame-src ' if framed else ''}{' '.join(framed)}"
    )


def redirect_source(redirect_uri: str) -> str | None:
    """A redirect address as a CSP source: its origin, or the bare scheme of an app's own. None: not expressible.

    Anything but letters, digits, dot, hyphen and port would end the directive or the header, and is not passed on.
    """
    parts = urlsplit(redirect_uri)
    if parts.scheme in ("http", "https"):
        if not parts.netloc or "@" in parts.netloc:
            return None
        plain = parts.netloc.replace(".", "").replace("-", "").replace(":", "")
        return f"{parts.scheme}://{parts.netloc}" if plain.isascii() and plain.isalnum() else None
    return f"{parts.scheme}:" if parts.scheme else None


DEFAULTS = {
    "content-security-policy": content_security_policy(),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "permissions-policy": PERMISSIONS,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def completed(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """These headers, and each of `DEFAULTS` that is not among them."""
    given = list(headers)
    present = {name.lower() for name, _ in given}
    missing = ((name.encode(), value.encode()) for name, value in DEFAULTS.items())
    return [*given, *(pair for pair in missing if pair[0] not in present)]


class SecurityHeaders:
    """Adds each header that an answer does not set itself, errors and redirects included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on; complete the head of its answer."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = completed(message["headers"])
            await send(message)

        return await self._app(scope, receive, with_headers)
