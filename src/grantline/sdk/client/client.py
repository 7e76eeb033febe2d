"""Sends a person to decide, and trades what comes back for tokens (OAuth 2.1, RFC 9126, RFC 9207)."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

from grantline.crypto.encoding import b64url
from grantline.sdk.client.answers import AccessRefused, Metadata, Pushed, Tokens, asks_for_nonce, read_answer
from grantline.sdk.client.proving import Prover


@dataclass(frozen=True, slots=True)
class Begun:
    """One request on its way. Keep it with the browser's session: `state` must come back in that same browser."""

    url: str
    state: str
    verifier: str
    redirect_uri: str


class Client:
    """Talks to one authorization server as one client. `http` is yours: its timeouts, its proxies, its closing."""

    def __init__(self, http: httpx2.AsyncClient, issuer: str, prover: Prover, redirect_uri: str) -> None:
        self._http = http
        self._issuer = issuer
        self._prover = prover
        self._redirect_uri = redirect_uri
        self._metadata: Metadata | None = None
        self._nonce: str | None = None

    async def discover(self) -> Metadata:
        """The server's metadata, fetched once; another issuer in it, or no S256, is refused (RFC 8414 §3.3)."""
        if self._metadata is None:
            response = await self._http.get(f"{self._issuer}/.well-known/oauth-authorization-server")
            metadata = cast(Metadata, read_answer(response, Metadata))
            if metadata.issuer != self._issuer or "S256" not in metadata.code_challenge_methods_supported:
                raise AccessRefused("invalid_metadata", "another issuer, or no S256", response.status_code)
            self._metadata = metadata
        return self._metadata

    async def begin(
        self, *, scope: str | None = None, details: list[dict[str, Any]] | None = None, **more: str
    ) -> Begun:
        """Push a request; send the browser to `url`. `more`: further parameters, such as `prompt` or `resource`."""
        metadata = await self.discover()
        state, verifier = b64url(self._prover.randomness(16)), b64url(self._prover.randomness(32))
        request = {
            "response_type": "code",
            "redirect_uri": self._redirect_uri,
            "state": state,
            "code_challenge": b64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            **({} if scope is None else {"scope": scope}),
            **({} if details is None else {"authorization_details": json.dumps(details)}),
            **more,
        }
        pushed = await self._post(metadata.pushed_authorization_request_endpoint, request, Pushed)
        query = urlencode({"client_id": self._prover.client_id, "request_uri": pushed.request_uri})
        return Begun(f"{metadata.authorization_endpoint}?{query}", state, verifier, self._redirect_uri)

    async def finish(self, begun: Begun, returned: str) -> Tokens:
        """Trade what the browser brought back (the whole address) for tokens; raises `AccessRefused`.

        The state must be this request's and the answer this server's (RFC 9207): else the code is not sent anywhere.
        """
        answer = parse_qs(urlsplit(returned).query)
        if any(len(values) != 1 for values in answer.values()):
            raise AccessRefused("invalid_response", "a parameter is repeated", 0)
        one = {name: values[0] for name, values in answer.items()}
        if not hmac.compare_digest(one.get("state", ""), begun.state) or one.get("iss") != self._issuer:
            raise AccessRefused("invalid_response", "not the answer to this request", 0)
        if "error" in one:
            raise AccessRefused(one["error"], one.get("error_description", ""), 0)
        grant = {
            "grant_type": "authorization_code", "code": one.get("code", ""), "redirect_uri": begun.redirect_uri,
            "code_verifier": begun.verifier,
        }  # fmt: skip
        return await self._token(grant)

    async def refresh(self, refresh_token: str, **more: str) -> Tokens:
        """New tokens for a refresh token; keep the new refresh token, the old one is over."""
        return await self._token({"grant_type": "refresh_token", "refresh_token": refresh_token, **more})

    async def revoke(self, token: str) -> None:
        """Give a token back (RFC 7009)."""
        metadata = await self.discover()
        await self._send(metadata.revocation_endpoint, {"token": token})

    async def _token(self, grant: dict[str, str]) -> Tokens:
        metadata = await self.discover()
        return cast(Tokens, await self._post(metadata.token_endpoint, grant, Tokens))

    async def _post(self, url: str, form: dict[str, str], kind: Any) -> Any:
        return read_answer(await self._send(url, form), kind)

    async def _send(self, url: str, form: dict[str, str]) -> httpx2.Response:
        """Post the form; once more when the server asks for another nonce (RFC 9449 §8)."""
        answer = await self._once(url, form)
        return await self._once(url, form) if asks_for_nonce(answer) else answer

    async def _once(self, url: str, form: dict[str, str]) -> httpx2.Response:
        data = {**form, **self._prover.client_parameters(self._issuer)}
        answer = await self._http.post(url, data=data, headers=self._prover.headers("POST", url, nonce=self._nonce))
        self._nonce = answer.headers.get("dpop-nonce", self._nonce)
        return answer
