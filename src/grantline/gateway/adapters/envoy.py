"""Envoy's HTTP ext_authz on a Unix socket: one question per call, answered by a bare protocol (no framework, no copy).

Whatever is odd about a question closes the connection unanswered; Envoy then refuses the call (failure_mode_allow off).
"""

import asyncio
import logging
from pathlib import Path
from typing import cast

import httptools

from grantline.crypto.certificates.reading import CertificateInvalid, thumbprint
from grantline.crypto.forwarded.envoy import PROXY
from grantline.gateway.adapters.envoy_replies import UNAVAILABLE
from grantline.gateway.context import HEADER as CONTEXT
from grantline.gateway.enforce import Admitted, Gateway, Refused
from grantline.gateway.flights import Flights
from grantline.gateway.minimiser import PendingFull, unix_socket
from grantline.gateway.render import render
from grantline.gateway.rendered import Rendered
from grantline.model.decision import Call, Obligation
from grantline.model.ids import ApiId
from grantline.model.reasons import Reason

# Calls to be cut are routed through the minimiser, which refuses any that was not announced to it.
ENFORCES = frozenset({Obligation.FIELD_ALLOW_LIST})
LARGEST_QUESTION = 65_536
_log = logging.getLogger(__name__)
_Headers = tuple[tuple[str, str], ...]


class Questions:
    """Where the questions of one listener belong. `base`: external URL of the API, as its clients say it."""

    def __init__(self, gateway: Gateway, flights: Flights, api: ApiId, base: str) -> None:
        self._gateway, self._flights = gateway, flights
        self._api, self._base = api, base.rstrip("/")

    async def answer(self, method: str, target: str, headers: dict[str, tuple[str, ...]]) -> Admitted | Refused:
        """The decision on one call. `target`: raw path with query; `headers` with lower-case names."""
        path, _, query = target.partition("?")
        call = Call(method, path, query, self._base + path, headers, self._api, ENFORCES, _x5t(headers))
        answer = await self._gateway.decide(call)
        if isinstance(answer, Admitted):
            try:
                self._flights.begin(answer)
            except PendingFull:
                return self._gateway.withdraw(answer, Reason.POLICY_ERROR)
        return answer

    def told(self, refused: Refused) -> Rendered:
        """The answer no, with the way to the API's own metadata."""
        described = self._gateway.metadata(self._api)
        return render(refused, None if described is None else described.url(self._base))

    def gone(self, admitted: Admitted) -> None:
        """Nobody waits for this answer any more: the call never went."""
        self._flights.abandon(admitted)


def _x5t(headers: dict[str, tuple[str, ...]]) -> str | None:
    """Thumbprint of the client's certificate. Only Envoy can ask here, and it replaces what a client wrote there."""
    try:
        shown = PROXY.certificates(headers)
    except CertificateInvalid as error:
        _log.warning("%s: %s", PROXY.header, error)
        return None
    return thumbprint(shown[0]) if shown else None


class Check(asyncio.Protocol):
    """One connection of Envoy. It asks one question at a time and waits for the answer."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._size = 0
        self._target = b""
        self._headers: dict[str, tuple[str, ...]] = {}

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Envoy connected."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Envoy went away. A decision under way is finished and recorded; its answer finds no one."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """More of a question."""
        self._size += len(data)
        try:
            if self._size > LARGEST_QUESTION:
                raise ValueError("the question is too large")
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, ValueError) as error:
            self._hang_up(f"not a question: {error}")

    # httptools

    def on_message_begin(self) -> None:
        """A question begins."""
        self._target, self._headers = b"", {}

    def on_url(self, url: bytes) -> None:
        """Raw target, possibly in pieces."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; repeated ones are kept apart."""
        key = name.decode("latin-1").lower()
        self._headers[key] = (*self._headers.get(key, ()), value.decode("latin-1"))

    def on_body(self, _body: bytes) -> None:
        """Questions have none."""
        raise ValueError("a question with a body")

    def on_message_complete(self) -> None:
        """The question is whole."""
        self._size = 0
        if self._task is not None or not self._target.startswith(b"/"):
            raise ValueError("a question before the last was answered, or without a path")
        method = self._parser.get_method().decode("latin-1")
        target, headers = self._target.decode("latin-1"), self._headers
        self._task = asyncio.get_running_loop().create_task(self._answer(method, target, headers))

    # The answer

    async def _answer(self, method: str, target: str, headers: dict[str, tuple[str, ...]]) -> None:
        try:
            answer = await self._questions.answer(method, target, headers)
            self._hand_over(answer, with_body=method != "HEAD")
        except Exception:
            _log.exception("a question could not be answered")
            self._hang_up("failed")
        finally:
            self._task = None

    def _hand_over(self, answer: Admitted | Refused, *, with_body: bool) -> None:
        """Write the answer. For an admitted call nothing may be awaited between its last check and here."""
        transport = self._transport
        if transport is None or transport.is_closing():
            if isinstance(answer, Admitted):
                self._questions.gone(answer)
            return
        match answer:
            case Admitted():
                transport.write(_response(200, _allowing(answer), b""))
                answer.departure.left()
            case Refused():
                told = self._questions.told(answer)
                # Envoy takes a 5xx for a failure of the decision itself and drops what it says.
                status = UNAVAILABLE if told.status >= 500 else told.status
                transport.write(_response(status, told.headers, told.body, with_body=with_body))

    def _hang_up(self, why: str) -> None:
        _log.warning("connection closed: %s", why)
        if self._transport is not None:
            self._transport.abort()
            self._transport = None


def _allowing(admitted: Admitted) -> _Headers:
    """The headers of every allow, each time: a client's own copy must never survive."""
    headers: _Headers = (
        (CONTEXT, admitted.context),
        ("x-grantline-filter", "1" if admitted.permit.filter is not None else ""),
        ("x-grantline-evaluation", admitted.permit.evaluation),
    )
    return headers if admitted.nonce is None else (*headers, ("dpop-nonce", admitted.nonce))


def _response(status: int, headers: _Headers, body: bytes, *, with_body: bool = True) -> bytes:
    lines = [f"HTTP/1.1 {status} -"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(f"content-length: {len(body)}\r\n\r\n")
    return "\r\n".join(lines).encode("latin-1") + (body if with_body else b"")


async def serve_envoy(questions: Questions, path: Path) -> asyncio.Server:
    """Listen for Envoy at `path`, for the owner of the socket alone."""
    return await asyncio.get_running_loop().create_unix_server(lambda: Check(questions), sock=unix_socket(path))
