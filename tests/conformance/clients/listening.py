"""A small server of a client's own: what it answers is a function of what it was asked."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext


@dataclass(frozen=True)
class Answer:
    """What goes back. An HTML page, unless it is said otherwise."""

    body: bytes
    kind: str = "text/html"
    status: int = 200


Answers = Callable[[str, str], Answer]
"""Path with query, and what was posted, to an answer."""


@contextmanager
def listening(answers: Answers, port: int = 0, tls: SSLContext | None = None) -> Iterator[int]:
    """On 127.0.0.1, at a port that the system chooses unless one is given, until the block ends; the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            posted = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            answer = answers(self.path, posted)
            self.send_response(answer.status)
            self.send_header("content-type", answer.kind)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_POST = do_GET

        def log_message(self, *_told: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
