"""Calls an API with an access token and a fresh proof of possession for each call (RFC 9449 §7)."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx2

from grantline.sdk.client.proving import Prover


class Calls:
    """Remembers the nonce that each API gave last, and repeats a call once when the API asks for a new one (§9)."""

    def __init__(self, http: httpx2.AsyncClient, prover: Prover) -> None:
        self._http = http
        self._prover = prover
        self._nonces: dict[str, str] = {}

    async def send(
        self,
        method: str,
        url: str,
        access_token: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx2.Response:
        """One call. A refusal is an answer like any other; what the transport raises passes through."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"

        async def once() -> httpx2.Response:
            proof = self._prover.headers(method, url.partition("?")[0], access_token, self._nonces.get(origin))
            answer = await self._http.request(method, url, headers={**(headers or {}), **proof}, content=content)
            nonce = answer.headers.get("dpop-nonce")
            if nonce is not None:
                self._nonces[origin] = nonce
            return answer

        answer = await once()
        return await once() if answer.status_code == 401 and _asks_for_nonce(answer) else answer


def _asks_for_nonce(answer: httpx2.Response) -> bool:
    return 'error="use_dpop_nonce"' in answer.headers.get("www-authenticate", "")
