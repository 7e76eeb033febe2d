"""A steady load in a process of its own, pinned to the last core: what bench.withdraw looks at the gateways with.

    python -m bench.load KEY RATE API=PORT/PATH …

Told on standard input, a JSON line each: `{"grant", "token"}` to call under from now on; the end of input ends it.
Tells on standard output: `{"grant", "api", "what": "permit" | "deny", "sent_ns", "answered_ns", "reason"}` for the
first permit and the first denial of each grant at each API, and `{"grant", "calls": {answer: count}}` once a grant's
calls are over. Times are CLOCK_MONOTONIC, which all processes of a machine share. An open loop: call n starts
n / RATE seconds after the start at each API, whatever became of the others.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import uvloop

from grantline.crypto.dpop import sign_proof
from grantline.crypto.es256 import SigningKey

NONCE_NEEDED = "use_dpop_nonce"


class Target:
    """One API behind its gateway, with the connections that are kept to it."""

    def __init__(self, api: str, port: int, path: str, key: SigningKey) -> None:
        self.api = api
        self._port, self._path, self._key = port, path, key
        self._nonce: str | None = None
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def call(self, token: str) -> tuple[int, str | None, int, int]:
        """Status, reason code of a refusal, and when the call was sent and answered."""
        request = self._request(token)
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        sent = time.monotonic_ns()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        told = {name.lower(): value for name, _, value in (line.partition(b": ") for line in head.split(b"\r\n"))}
        body = await reader.readexactly(int(told[b"content-length"]))
        answered = time.monotonic_ns()
        self._idle.append((reader, writer))
        self._nonce = told.get(b"dpop-nonce", b"").decode() or self._nonce
        status = int(head.split(b" ", 2)[1])
        if status == 200:
            return status, None, sent, answered
        needs_nonce = NONCE_NEEDED.encode() in told.get(b"www-authenticate", b"")
        return status, NONCE_NEEDED if needs_nonce else json.loads(body).get("reason"), sent, answered

    def _request(self, token: str) -> bytes:
        base, jti = f"http://127.0.0.1:{self._port}", secrets.token_urlsafe(9)
        proof = sign_proof(
            self._key, "GET", base + self._path, jti=jti, iat=int(time.time()), access_token=token, nonce=self._nonce
        )
        return (
            f"GET {self._path} HTTP/1.1\r\nhost: 127.0.0.1:{self._port}\r\nauthorization: DPoP {token}\r\n"
            f"dpop: {proof}\r\n\r\n"
        ).encode()


class Load:
    """The calls of one grant after the other."""

    def __init__(self, targets: list[Target], rate: float) -> None:
        self._targets, self._rate = targets, rate
        self._grant, self._token = "", ""
        self._open: dict[str, set[asyncio.Task[None]]] = {}
        self._counts: dict[str, Counter[str]] = {}
        self._seen: set[tuple[str, str, str]] = set()

    async def run(self) -> None:
        """Call until cancelled."""
        begin, number = time.perf_counter(), 0
        while True:
            # The targets take turns within a beat, so that they do not all call at one moment.
            target = self._targets[number % len(self._targets)]
            due = begin + number / (self._rate * len(self._targets))
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            number += 1
            if self._token:
                task = asyncio.create_task(self._one(target, self._grant, self._token))
                self._open[self._grant].add(task)
                task.add_done_callback(self._open[self._grant].discard)

    async def turn_to(self, grant: str, token: str) -> None:
        """Call under this grant from now on; tell of the one before when its last call is answered."""
        before = self._grant
        self._open[grant], self._counts[grant] = set(), Counter()
        self._grant, self._token = grant, token
        if before:
            await asyncio.gather(*self._open.pop(before))
            tell({"grant": before, "calls": dict(self._counts.pop(before))})

    async def _one(self, target: Target, grant: str, token: str) -> None:
        status, reason, sent, answered = await target.call(token)
        self._counts[grant][reason or str(status)] += 1
        what = "permit" if status == 200 else "deny"
        if reason == NONCE_NEEDED or (grant, target.api, what) in self._seen:
            return
        self._seen.add((grant, target.api, what))
        tell({"grant": grant, "api": target.api, "what": what, "sent_ns": sent, "answered_ns": answered,
              "reason": reason or str(status)})  # fmt: skip


def tell(said: dict[str, Any]) -> None:
    """One line, at once."""
    print(json.dumps(said), flush=True)


async def main() -> None:
    """Obey standard input until it ends."""
    key, rate, *places = sys.argv[1:]
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    signing = SigningKey.from_pem(Path(key).read_bytes())  # noqa: ASYNC240 - before anything runs
    load = Load([target(place, signing) for place in places], float(rate))
    running = asyncio.create_task(load.run())
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        await load.turn_to(**json.loads(line))
    await load.turn_to("", "")
    running.cancel()


def target(place: str, key: SigningKey) -> Target:
    """From `bank=8400/accounts`."""
    api, _, rest = place.partition("=")
    port, _, path = rest.partition("/")
    return Target(api, int(port), "/" + path, key)


if __name__ == "__main__":
    uvloop.run(main())
