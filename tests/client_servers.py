"""Servers of clients: real TLS on loopback, under any name that a test gives them."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"
JSON = "application/json"


@dataclass
class Answer:
    """What one path answers. `wait`: held back until it is set."""

    body: bytes = b"{}"
    content_type: str | None = JSON
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    wait: asyncio.Event | None = None


@dataclass
class ClientServer:
    """One server. `asked`: every request as it came, head and body; `most_at_once`: connections at one time.

    `heard`: set with the first request.
    """

    name: str
    trusts: ssl.SSLContext
    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    _now: int = 0

    def url(self, path: str) -> str:
        return f"https://{self.name}:{self.port}{path}"

    def paths(self) -> list[str]:
        return [head.split(" ", 2)[1] for head in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(
                (int(line.split(":")[1]) for line in head.lower().split("\r\n") if "content-length" in line), 0
            )
            self.asked.append(head + (await reader.readexactly(length)).decode())
            self.heard.set()
            answer = self.answers.get(self.paths()[-1], Answer(status=404))
            if answer.wait is not None:
                await answer.wait.wait()
            said = dict(answer.headers)
            if answer.content_type is not None:
                said["content-type"] = answer.content_type
            lines = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {value}" for name, value in said.items())]
            writer.write("\r\n".join([*lines, "connection: close", "", ""]).encode() + answer.body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._now -= 1
            writer.close()


@asynccontextmanager
async def client_server(folder: Path, name: str = "app.test") -> AsyncIterator[ClientServer]:
    """A TLS server whose certificate names `name`; `trusts` believes the authority that signed it."""
    tls, trusts = _contexts(folder, name)
    made = ClientServer(name, trusts)
    server = await asyncio.start_server(made.serve, LOOPBACK, 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        for answer in made.answers.values():
            if answer.wait is not None:
                answer.wait.set()
        server.close()


def answers_of(names: dict[str, Sequence[str]]):
    """A resolver that knows these names; each question is noted in its `asked`."""

    async def resolve(host: str, _port: int) -> Sequence[str]:
        resolve.asked.append(host)  # type: ignore[attr-defined]
        if host not in names:
            raise OSError("no such name")
        return names[host]

    resolve.asked = []  # type: ignore[attr-defined]
    return resolve


def _contexts(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain, secret)
    trusts = ssl.create_default_context(cafile=str(chain))
    return tls, trusts
