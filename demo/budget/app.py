"""The budgeting app's pages: connect, see what may be seen, try to go further, refresh."""

import logging
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from demo.budget.load import Load
from demo.budget.settings import Settings
from demo.budget.words import day, may_see, table
from grantline.crypto.custody.file import load_or_create_signing_key
from grantline.crypto.es256 import SigningKey
from grantline.sdk.client import AccessRefused, Begun, Calls, Client, Prover, Tokens

SCOPE = "bank.transactions bank.balances bank.categories calendar.events"
CLIENT_ID = "budget-app"
COOKIE = "budget"
HERE = Path(__file__).parent
ANSWER_S = 10.0
FURTHER = {
    "field": ("Asked for a field you did not allow", "/accounts/{account}/transactions?fields=date,iban", None),
    "purpose": ("Asked with another purpose", "/accounts/{account}/transactions", "credit-check"),
    "resource": ("Asked for an account you did not pick", "/accounts/acc-7714/transactions", None),
}


UNREACHABLE = {"title": "It does not answer right now. Try again in a moment.", "reason": "unreachable"}


@dataclass(slots=True)
class Visit:
    """One browser: its request on the way, its tokens once it is connected."""

    begun: Begun | None = None
    tokens: Tokens | None = None
    notice: str = ""
    got_at: float = field(default_factory=time.time)


class Budget:
    """The app. It keeps everything in memory: losing it costs one more click."""

    def __init__(self, settings: Settings, http: httpx2.AsyncClient) -> None:
        self._settings = settings
        self._http = http
        self._prover = Prover(CLIENT_ID, SigningKey.generate(), load_or_create_signing_key(settings.key))
        self._client = Client(http, settings.issuer, self._prover, settings.callback)
        self._visits: dict[str, Visit] = {}
        self._calls = Calls(http, self._prover)
        self._templates = Jinja2Templates(HERE / "templates")
        self._loads: dict[str, Load] = {}

    # Pages

    async def home(self, request: Request) -> Response:
        """What the app shows: an invitation, or the month."""
        visit = self._visit(request)
        notice, visit.notice = visit.notice, ""
        if visit.tokens is None:
            return self._templates.TemplateResponse(request, "start.html", {"title": "Start", "notice": notice})
        details = list(visit.tokens.authorization_details)
        answers = [await self._show(visit.tokens, *one) for one in self._reads(visit.tokens)]
        shown = {
            "title": "Your month", "notice": notice, "may_see": may_see(details), "answers": answers,
            "operator": "Example Bank", "until": _until(details),
        }  # fmt: skip
        return self._templates.TemplateResponse(request, "connected.html", shown)

    async def connect(self, request: Request) -> Response:
        """To the bank's authority, with a request that it has already seen (RFC 9126)."""
        name = request.cookies.get(COOKIE) or secrets.token_urlsafe(16)
        visit = self._visits.setdefault(name, Visit())
        visit.begun = await self._client.begin(scope=SCOPE)
        answer = RedirectResponse(visit.begun.url, 303)
        answer.set_cookie(COOKIE, name, httponly=True, samesite="lax")
        return answer

    async def callback(self, request: Request) -> Response:
        """Back from the authority: with a code, or with a no."""
        visit = self._visit(request)
        begun, visit.begun = visit.begun, None
        if begun is None:
            visit.notice = "That answer belongs to no question of ours. Try again."
        else:
            try:
                visit.tokens, visit.got_at = await self._client.finish(begun, str(request.url)), time.time()
            except AccessRefused as refused:
                visit.notice = {"access_denied": "You did not allow it. Nothing was shared."}.get(
                    refused.code, f"It did not work: {refused.code}."
                )
        return RedirectResponse("/", 303)

    async def further(self, request: Request) -> Response:
        """Ask for more than was agreed, to see the gateway refuse."""
        visit = self._visit(request)
        what = (await request.form()).get("what")
        if visit.tokens is None or not isinstance(what, str) or what not in FURTHER:
            return RedirectResponse("/", 303)
        heading, path, purpose = FURTHER[what]
        try:
            answer = await self.call(visit.tokens, "bank", path.format(account=_account(visit.tokens)), purpose)
        except httpx2.TransportError:
            shown = {"title": heading, "heading": heading, "problem": UNREACHABLE, "status": "none"}
            return self._templates.TemplateResponse(request, "tried.html", shown)
        problem = answer.json() if answer.status_code >= 400 else {"title": "This was allowed.", "reason": "none"}
        shown = {"title": heading, "heading": heading, "problem": problem, "status": answer.status_code}
        return self._templates.TemplateResponse(request, "tried.html", shown)

    async def refresh(self, request: Request) -> Response:
        """A fresh token for the refresh token; the old refresh token is over."""
        visit = self._visit(request)
        if visit.tokens is not None and visit.tokens.refresh_token is not None:
            try:
                visit.tokens = _merged(visit.tokens, await self._client.refresh(visit.tokens.refresh_token))
                visit.notice = "You have a fresh token."
            except AccessRefused as refused:
                visit.tokens, visit.notice = None, f"The connection has ended: {refused.description}"
        return RedirectResponse("/", 303)

    # For the story that plays itself

    async def raw(self, request: Request) -> Response:
        """One call with this visit's token; the answer as the gateway gave it."""
        visit = self._visit(request)
        if visit.tokens is None:
            return JSONResponse({"error": "not connected"}, 409)
        asked = request.query_params
        try:
            answer = await self.call(visit.tokens, asked["api"], asked["path"], asked.get("purpose"))
        except httpx2.TransportError as error:
            return JSONResponse({"status": 0, "body": {"reason": repr(error)}, "challenge": None})
        shown = {"status": answer.status_code, "body": answer.json() if answer.content else None}
        return JSONResponse({**shown, "challenge": answer.headers.get("www-authenticate")})

    async def grant(self, request: Request) -> Response:
        """Which consent this visit stands on, and what it granted."""
        tokens = self._visit(request).tokens
        if tokens is None:
            return JSONResponse({"grant_id": None})
        return JSONResponse({"grant_id": tokens.grant_id, "authorization_details": tokens.authorization_details})

    async def load(self, request: Request) -> Response:
        """Start (rate, seconds) or stop (rate 0) a steady load over both APIs."""
        name, visit = request.cookies.get(COOKIE, ""), self._visit(request)
        asked = await request.json()
        load = self._loads.get(name)
        if load is not None and asked["rate"] == 0:
            load.stop()
            await load.settle()
        elif visit.tokens is not None:
            tokens, account = visit.tokens, _account(visit.tokens)
            paths = {"bank": f"/accounts/{account}/transactions", "calendar": "/events"}

            async def one(api: str) -> tuple[int, str | None]:
                try:
                    answer = await self.call(tokens, api, paths[api])
                except httpx2.TransportError as error:
                    return 0, type(error).__name__
                return answer.status_code, answer.json().get("reason") if answer.status_code >= 400 else None

            self._loads[name] = Load(one, self._settings.load_log)
            self._loads[name].start(asked["rate"], ("bank", "calendar"), asked["seconds"])
        return JSONResponse({"load": asked["rate"]})

    # Calls

    async def call(self, tokens: Tokens, api: str, path: str, purpose: str | None = None) -> httpx2.Response:
        """One call with this visit's token."""
        base = {"bank": self._settings.bank, "calendar": self._settings.calendar}[api]
        headers = {} if purpose is None else {"grantline-purpose": purpose}
        return await self._calls.send("GET", base + path, tokens.access_token, headers=headers)

    async def _show(self, tokens: Tokens, title: str, api: str, path: str, member: str) -> dict[str, Any]:
        try:
            answer = await self.call(tokens, api, path)
        except httpx2.TransportError:
            return {"title": title, "problem": UNREACHABLE}
        if answer.status_code != 200:
            return {"title": title, "problem": answer.json()}
        columns, rows = table(answer.json()[member][:8])
        return {"title": title, "columns": columns, "rows": rows}

    def _reads(self, tokens: Tokens) -> list[tuple[str, str, str, str]]:
        """What there is to read with these tokens: title, API, path, member of the answer."""
        wanted = {
            "transactions": ("Transactions", "bank", f"/accounts/{_account(tokens)}/transactions", "transactions"),
            "accounts": ("Accounts", "bank", "/accounts", "accounts"),
            "events": ("In your calendar", "calendar", "/events", "events"),
        }
        granted = {kind for detail in tokens.authorization_details for kind in detail["datatypes"]}
        return [read for kind, read in wanted.items() if kind in granted]

    def _visit(self, request: Request) -> Visit:
        return self._visits.setdefault(request.cookies.get(COOKIE, ""), Visit())


def _account(tokens: Tokens) -> str:
    """The first account that was picked."""
    named = [one for detail in tokens.authorization_details for one in detail.get("resources", ())]
    return str(named[0]) if named else "none"


def _until(details: list[dict[str, Any]]) -> str:
    ends = [detail["expires_at"] for detail in details if "expires_at" in detail]
    return day(min(ends)) if ends else "the day you chose"


def _merged(before: Tokens, after: Tokens) -> Tokens:
    """What a refresh answer leaves out stays as it was."""
    details = after.authorization_details or before.authorization_details
    refresh = after.refresh_token or before.refresh_token
    return Tokens(
        after.access_token, after.token_type, after.expires_in, after.scope or before.scope,
        after.grant_id or before.grant_id, refresh, after.id_token, details,
    )  # fmt: skip


def application(settings: Settings) -> Starlette:
    """The app as ASGI."""
    limits = httpx2.Limits(max_connections=200, max_keepalive_connections=200)
    budget = Budget(settings, httpx2.AsyncClient(timeout=ANSWER_S, limits=limits, trust_env=False))

    async def style(_: Request) -> Response:
        return FileResponse(HERE / "style.css")

    return Starlette(
        routes=[
            Route("/", budget.home),
            Route("/style.css", style),
            Route("/connect", budget.connect, methods=["POST"]),
            Route("/callback", budget.callback),
            Route("/try", budget.further, methods=["POST"]),
            Route("/refresh", budget.refresh, methods=["POST"]),
            Route("/raw", budget.raw),
            Route("/grant", budget.grant),
            Route("/load", budget.load, methods=["POST"]),
        ]
    )


def main() -> None:
    """Serve until told to stop."""
    settings = Settings.from_environment()
    logging.basicConfig(level=logging.WARNING)
    uvicorn.run(application(settings), host="127.0.0.1", port=settings.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
