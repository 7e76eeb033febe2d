"""What a proof of possession costs: a service asks for tokens, plain and bound to a key, by secret and by assertion.

    python -m bench.proofs --targets FILE --keys KEYS [--name grantline] [--rounds 3] [--requests 2000]

FILE and KEYS as for `bench.peer_target`, whose instance `--name` runs. Every request is made ready before the clock
starts, with its own proof and assertion, and sent over 16 kept connections, each as soon as the last answer is there;
plain and bound in turns. Prints {"proofs": [{"way", "bound", "rate", "cpu_ms"}, …]}: medians over the rounds, rate in
requests/s, `cpu_ms` of the target's server processes for one request.
"""

import argparse
import asyncio
import json
import os
import time
from base64 import b64encode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from bench.statistic import median
from bench.tokens import cpu_seconds
from grantline.crypto.encoding import unb64url
from grantline.crypto.es256 import SigningKey
from grantline.sdk.client import Prover

NAME = "proofs"
CONNECTIONS = 16
Answer = tuple[int, str | None]
"""Status, and the nonce for the next proof if there is one."""


@dataclass(frozen=True)
class Way:
    """How a client proves who it is. `basic`: its Authorization header, empty where an assertion does it."""

    name: str
    prover: Prover
    basic: str = ""


def ways(target: dict[str, Any], keys: dict[str, Any]) -> tuple[Way, ...]:
    """By secret and by assertion, both without a proof of possession yet."""
    secret = b64encode(f"{target['client_id']}:{target['client_secret']}".encode()).decode()
    basic = f"authorization: Basic {secret}\r\n"
    keyed = Prover(target["pkjwt_client_id"], assertion=key_of(keys["client_private"]))
    return Way("cc_jwt", Prover(target["client_id"]), basic), Way("pkjwt", keyed)


def key_of(jwk: dict[str, str]) -> SigningKey:
    """The harness's own key (RFC 7518 §6.2.2)."""
    scalar = int.from_bytes(unb64url(jwk["d"]), "big")
    return SigningKey(ec.derive_private_key(scalar, ec.SECP256R1()), jwk.get("kid"))


def request(target: dict[str, Any], way: Way, nonce: str | None) -> bytes:
    """One request for a token, whole, that no other request is like."""
    told = {} if way.basic else way.prover.client_parameters(target["pkjwt_aud"])
    body = urlencode({**target["workloads"]["cc_jwt"]["body"], **told}).encode()
    proofs = way.prover.headers("POST", target["token_url"], nonce=nonce)
    head = "".join(f"{name}: {value}\r\n" for name, value in proofs.items())
    where = urlsplit(target["token_url"])
    return (
        f"POST {where.path} HTTP/1.1\r\nhost: {where.netloc}\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        f"content-length: {len(body)}\r\n{way.basic}{head}\r\n"
    ).encode() + body


async def ask(made: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
    """One request and its answer."""
    writer.write(made)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    told = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    await reader.readexactly(int(told["content-length"]))
    return int(lines[0].split()[1]), told.get("dpop-nonce")


async def send(made: list[bytes], where: tuple[str, int]) -> None:
    """All of them, as fast as they are answered; raises `RuntimeError` for an answer that is no token."""

    async def some() -> None:
        reader, writer = await asyncio.open_connection(*where)
        while made:
            status, _ = await ask(made.pop(), reader, writer)
            if status != 200:
                raise RuntimeError(f"the server answered {status}")
        writer.close()

    await asyncio.gather(*(some() for _ in range(CONNECTIONS)))


async def sample(target: dict[str, Any], way: Way, count: int) -> dict[str, float]:
    """Rate and CPU of one load."""
    address = urlsplit(target["token_url"])
    where, nonce = (str(address.hostname), address.port or 80), None
    if way.prover.dpop is not None:
        reader, writer = await asyncio.open_connection(*where)
        _, nonce = await ask(request(target, way, None), reader, writer)
        writer.close()
    made = [request(target, way, nonce) for _ in range(count)]
    before, began = sum(map(cpu_seconds, target["pids"])), time.perf_counter()
    await send(made, where)
    elapsed = time.perf_counter() - began
    spent = sum(map(cpu_seconds, target["pids"])) - before
    return {"rate": round(count / elapsed, 1), "cpu_ms": round(spent / count * 1_000, 3)}


async def bench(target: dict[str, Any], keys: dict[str, Any], rounds: int, count: int) -> list[dict[str, Any]]:
    """Plain and bound, one after the other, in every round; what the first one found is thrown away."""
    key = SigningKey.generate()
    asked = [replaced for way in ways(target, keys) for replaced in (way, bound(way, key))]
    found: dict[tuple[str, bool], list[dict[str, float]]] = {}
    for number in range(-1, rounds):
        for way in asked if number % 2 == 0 else reversed(asked):
            one = await sample(target, way, count)
            if number >= 0:
                found.setdefault((way.name, way.prover.dpop is not None), []).append(one)
    return [
        {"way": name, "bound": is_bound, **{member: median([one[member] for one in several]) for member in several[0]}}
        for (name, is_bound), several in sorted(found.items())
    ]


def bound(way: Way, key: SigningKey) -> Way:
    """The same with a proof that it holds `key`."""
    return replace(way, prover=replace(way.prover, dpop=key))


def main() -> None:
    """Measure and print; this process on the last core, as the harness's load is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", type=Path, required=True)
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--name", default="grantline")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=2_000)
    told = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])
    target = json.loads(told.targets.read_text())[told.name]
    keys = json.loads(told.keys.read_text())
    print(json.dumps({NAME: asyncio.run(bench(target, keys, told.rounds, told.requests))}))


if __name__ == "__main__":
    main()
