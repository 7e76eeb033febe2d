"""Messages between authority, gateways and ledger: feed frames, bundles, events, questions, enrolment, bodies."""

import json
from typing import Any

import msgspec

from grantline.authorization.endpoints import register
from grantline.gateway.authority_client import _Feed
from grantline.gateway.cutoffs import Cutoffs, Gap
from grantline.gateway.table_file import TableFile
from grantline.ledger.access import state
from grantline.ledger.ingest import LedgerApp
from grantline.ledger.orders import Orders
from grantline.ledger.published import Published
from grantline.ledger.queries import Queries
from grantline.model.errors import OAuthError
from grantline.model.feed import Entries, Marks, Position
from grantline.signals.feed.server import FeedServer, _token_path, _version_path
from grantline.signals.feed.socket import FeedSocket, Hangup
from tests.fuzz.configuration import FOLDER, in_file
from tests.fuzz.keys import KEY, NOW
from tests.fuzz.requests import request
from tests.fuzz.signed import PRODUCERS
from tests.fuzz.target import at_once, refused, target, text


class _Nothing:
    """Stands for what is never reached, and for stores that know nobody."""

    def __init__(self, **answers: Any) -> None:
        self.__dict__.update(answers)

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


async def _one_frame(data: bytes) -> dict[str, Any]:
    return {"type": "websocket.receive", "bytes": data}


@target
def frame_of_gateway(data: bytes) -> None:
    """A WebSocket frame that a gateway sent; any fault of its form closes the session as one."""
    socket = FeedSocket(_Nothing(), _Nothing(), _Nothing(), lambda: _one_frame(data), _Nothing())  # type: ignore[arg-type]
    with refused(msgspec.MsgspecError, Hangup):
        at_once(socket._next())


@target
def frame_of_authority(data: bytes) -> None:
    """A frame that the authority sent; entries are applied in order or not at all."""

    async def received() -> bytes:
        return data

    with refused(msgspec.MsgspecError):
        message = at_once(_Feed(_Nothing(recv=received)).receive())  # type: ignore[arg-type]
        if isinstance(message, Entries):
            _apply(message)


def _apply(message: Entries) -> None:
    table = Cutoffs()
    table.start_from(Position(message.incarnation, 0), bytes(32), Marks())
    before = table.digest
    try:
        table.apply(message.incarnation, message.entries)
    except Gap:
        assert table.digest == before


@target
def saved_table(data: bytes) -> None:
    """The gateway's own file: a table as it was written, or none."""
    TableFile(in_file("table.json", data)).load()


class _Sequencer:
    async def append(self, submission: object) -> object:
        return submission


LEDGER = LedgerApp(
    _Sequencer(), PRODUCERS, Queries(_Nothing(), _Nothing(), lambda: None), Published(FOLDER),  # type: ignore[arg-type]
    orders=Orders(_Nothing(), _Nothing(), _Nothing(), _Nothing()), authority="fuzz",  # type: ignore[arg-type]
)  # fmt: skip


def _call(app: Any, method: str, path: str, body: bytes, authorization: str) -> int:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", authorization.encode("latin-1"))]
    at_once(app({"type": "http", "method": method, "path": path, "headers": headers}, receive, send))
    json.loads(sent[1]["body"])
    return int(sent[0]["status"])


@target
def submission(data: bytes) -> None:
    """Events that a producer brings to the ledger: taken, or refused as a bad request."""
    token = f"Bearer {state('fuzz', KEY, NOW, 'jti')}"
    assert _call(LEDGER, "POST", "/ingest", data, token) in {200, 400, 401}


@target
def question(data: bytes) -> None:
    """Arguments of every question to the ledger, after a first line that names it."""
    name, _, body = data.partition(b"\n")
    token = f"Bearer {state('fuzz', KEY, NOW, 'jti')}"
    assert _call(LEDGER, "POST", f"/query/{text(name)}", body, token) in {200, 400, 404}


@target
def ledger_path(data: bytes) -> None:
    """A path at the ledger's door: there is nothing here, whatever is asked."""
    assert _call(LEDGER, "GET", text(data), b"", "") == 404


@target
def enrolment(data: bytes) -> None:
    """The body by which a gateway enrols."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": data}

    server = FeedServer.__new__(FeedServer)
    server._work = _Refusing()  # type: ignore[assignment]
    server._issuer = "https://as.example"
    assert at_once(server._enrol(receive))[0] in {201, 400}


class _Refusing:
    """A database in which nothing is."""

    async def write(self, unit: Any) -> None:
        return None


@target
def gateway_path(data: bytes) -> None:
    """Which version or token a gateway asks for."""
    path = text(data)
    version, token = _version_path(path), _token_path(path)
    assert version is None or path == f"/gateway/versions/{version[0]}/{path.rpartition('/')[2]}"
    assert token is None or len(token) == 32


@target
def registration_body(data: bytes) -> None:
    """The body of a registration, before it is looked at."""
    with refused(OAuthError):
        at_once(register._said(_Nothing(), request(data, content_type="application/json"), None))
