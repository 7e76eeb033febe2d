"""The hop: a small reverse proxy that filtered calls pass. Without a decision's filter nothing goes through."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from grantline.gateway.minimiser.asgi import Receive
from grantline.gateway.minimiser.cut import Cutter
from grantline.gateway.minimiser.errors import Unfilterable
from grantline.gateway.minimiser.pending import Pending
from grantline.gateway.minimiser.problem import plain, refusal
from grantline.gateway.minimiser.reply import Message, Reply, Send
from grantline.gateway.minimiser.requests import body, filterable, framed, has_body, target
from grantline.gateway.minimiser.settings import Settings
from grantline.gateway.minimiser.upstream import BROKEN, LATE, UNREACHABLE, Upstream
from grantline.gateway.rendered import Rendered
from grantline.model.decision import FieldFilter
from grantline.model.ids import EvaluationId
from grantline.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a filtered call: status and body bytes given to the client (status 0: none), milliseconds."""

    evaluation: EvaluationId
    status: int
    sent: int
    ms: float


Verify = Callable[[str, str, str], EvaluationId | None]
"""(signed context, method, path with query) → its evaluation id; None unless our own, unended, for this call."""

Report = Callable[[Outcome], None]

Public = Callable[[str, str], Rendered | None]
"""(method, path) → what is answered to anybody without a decision: the API's own metadata; None for all else."""


class Hop:
    """An ASGI application: verified context in, filter taken, upstream called, answer cut, outcome reported."""

    def __init__(
        self, upstream: Upstream, pending: Pending, verify: Verify, report: Report, bounds: Settings | None = None,
        *, public: Public | None = None,
    ) -> None:  # fmt: skip
        self._public = public
        self._upstream, self._pending, self._verify, self._report = upstream, pending, verify, report
        self._bounds = bounds or Settings()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one call. Every way that is not a cut answer ends in a problem document or a broken connection."""
        if scope["type"] != "http":
            raise Unfilterable(f"a {scope['type']} call cannot be filtered")
        evaluation = self._verified(scope)
        told = self._public(scope["method"], scope["path"]) if self._public and evaluation is None else None
        if told is not None:
            return await _tell(send, told, with_body=scope["method"] != "HEAD")
        if evaluation is None:
            return await _refuse(send, Reason.TOKEN_INVALID, None)
        obligation = self._pending.take(evaluation)
        if obligation is None:
            return await _refuse(send, Reason.CONSENT_UNAVAILABLE, evaluation)
        return await self._carry(scope, receive, send, evaluation, obligation)

    def _verified(self, scope: Message) -> EvaluationId | None:
        told = [value for name, value in scope["headers"] if name == b"grantline-context"]
        if len(told) != 1:
            return None
        return self._verify(told[0].decode("latin-1"), scope["method"], target(scope).decode("latin-1"))

    async def _carry(
        self, scope: Message, receive: Receive, send: Send, evaluation: EvaluationId, obligation: FieldFilter
    ) -> None:
        began = time.perf_counter()
        reply: Reply | None = None
        try:
            reply = Reply(send, Cutter(obligation), self._bounds, evaluation)
            async with asyncio.timeout(self._bounds.total_timeout_s):
                await self._exchange(scope, receive, reply, evaluation)
        except Unfilterable:
            if reply is None:
                await _refuse(send, Reason.RESPONSE_UNFILTERABLE, evaluation)
            elif not reply.done:
                await reply.refuse()
        except TimeoutError:
            if reply is not None and not reply.done:
                await reply.refuse(504, plain(504, "The API did not answer in time.", evaluation))
        finally:
            status, sent = (reply.status, reply.sent) if reply else (0, 0)
            self._report(Outcome(evaluation, status, sent, (time.perf_counter() - began) * 1_000))

    async def _exchange(self, scope: Message, receive: Receive, reply: Reply, evaluation: EvaluationId) -> None:
        method: str = scope["method"]
        headers = filterable(scope["headers"])
        content = body(receive) if has_body(scope["headers"]) else None
        if content is not None:
            headers = framed(headers)
        try:
            async with self._upstream.call(method, target(scope), headers, content) as answer:
                await reply.begin(method, answer.status, answer.headers)
                if not reply.done:
                    async for data in answer.aiter_stream():
                        await reply.feed(data)
                    await reply.finish()
        except UNREACHABLE:
            await reply.refuse(502, plain(502, "The API cannot be reached.", evaluation))
        except LATE as error:
            raise TimeoutError from error
        except BROKEN as error:
            raise Unfilterable("the upstream broke off") from error


async def _tell(send: Send, told: Rendered, *, with_body: bool) -> None:
    headers = [(name.encode(), value.encode()) for name, value in told.headers]
    headers.append((b"content-length", str(len(told.body)).encode()))
    await send({"type": "http.response.start", "status": told.status, "headers": headers})
    await send({"type": "http.response.body", "body": told.body if with_body else b"", "more_body": False})


async def _refuse(send: Send, reason: Reason, evaluation: EvaluationId | None) -> None:
    status, problem = refusal(reason, evaluation)
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"cache-control", b"no-store"),
        (b"content-length", str(len(problem)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": problem, "more_body": False})
