"""The clients' own server: https under the name `localhost`, which this instance may fetch from, and nobody else."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.certificates_world import authority
from tests.conformance.clients.listening import Answer, listening


@dataclass
class Tls:
    """Files: whom to trust, and what a server of these tests shows."""

    trusted: Path
    certificate: Path
    key: Path

    @property
    def trusts(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.trusted))

    @property
    def shows(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass
class Host:
    """`documents`: JSON by path."""

    port: int
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    def publish(self, path: str, **said: Any) -> str:
        """A client's metadata document; its address, which is the client's id."""
        url = f"https://localhost:{self.port}{path}"
        self.documents[path] = {"client_id": url, **said}
        return url


def tls(folder: Path) -> Tls:
    """A certificate for `localhost` and an authority that nobody else trusts."""
    hosts = authority("CN=Hosts")
    trusted, _ = hosts.write(folder, "trusted")
    certificate, key = hosts.issue("CN=localhost", dns=["localhost"], purposes=()).write(folder, "localhost")
    return Tls(trusted, certificate, key)


@contextmanager
def serving(shown: Tls) -> Iterator[Host]:
    """Answers until the block ends."""
    host = Host(0)

    def answers(path: str, _posted: str) -> Answer:
        found = host.documents.get(path)
        return Answer(json.dumps(found).encode(), "application/json", 404 if found is None else 200)

    with listening(answers, tls=shown.shows) as host.port:
        yield host
