"""The minimiser inside an ASGI application: what the application answers is cut before it leaves the process."""

from collections.abc import Awaitable, Callable

from grantline.gateway.minimiser.cut import Cutter
from grantline.gateway.minimiser.errors import Unfilterable
from grantline.gateway.minimiser.reply import Message, Reply, Send
from grantline.gateway.minimiser.requests import filterable
from grantline.gateway.minimiser.settings import Settings
from grantline.model.decision import FieldFilter
from grantline.model.ids import EvaluationId

Receive = Callable[[], Awaitable[Message]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def filtered(
    app: Application,
    obligation: FieldFilter,
    *,
    evaluation: EvaluationId | None = None,
    bounds: Settings | None = None,
) -> Application:
    """`app` for one call under this obligation. Only HTTP calls pass; anything else raises `Unfilterable`.

    An application that fails or answers in a form that cannot be cut gives 502 `response_unfilterable`; its
    exception goes on to the server afterwards. If a part was sent already, the server breaks the connection.
    """
    cutter = Cutter(obligation)
    limits = bounds or Settings()

    async def call(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise Unfilterable(f"a {scope['type']} call cannot be filtered")
        reply = Reply(send, cutter, limits, evaluation)
        inner = {**scope, "headers": filterable(scope["headers"]), "extensions": {}}
        try:
            await app(inner, receive, _through(reply, scope["method"]))
            if not reply.done:
                raise Unfilterable("the application ended before its answer did")
        except Unfilterable:
            await _end(reply)
        except Exception:
            await _end(reply)
            raise

    return call


def _through(reply: Reply, method: str) -> Send:
    broken = False

    async def send(message: Message) -> None:
        nonlocal broken
        if broken:
            raise Unfilterable("the answer was refused before")
        try:
            await _pass(reply, method, message)
        except Unfilterable:
            # The application hears of it too, so that it stops; what it sends after this is never looked at.
            broken = True
            raise

    return send


async def _pass(reply: Reply, method: str, message: Message) -> None:
    kind: str = message["type"]
    if reply.done:
        return
    if kind == "http.response.start":
        await reply.begin(method, message["status"], message.get("headers", ()))
    elif kind == "http.response.body":
        await reply.feed(message.get("body", b""))
        if not message.get("more_body", False):
            await reply.finish()
    else:
        raise Unfilterable(f"{kind} cannot be filtered")


async def _end(reply: Reply) -> None:
    if not reply.done:
        await reply.refuse()
