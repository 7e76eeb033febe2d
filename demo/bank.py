"""The demonstration's bank: an API of its own that answers only calls which its gateway signed for."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from demo.bank_data import Account, Bank, account_record, resource
from demo.calls import CallLog, TooLate
from grantline.sdk.resource_server import Context, ContextVerifier, RequireGateway, context_of

RESOURCE = "https://bank.example/api"
PAYMENT = {"amount", "payee", "reference"}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the bank listens, whose signature it believes, where it writes its calls. It knows nothing else of us."""

    port: int
    gateway: str
    gateway_key: Path
    log: Path

    @classmethod
    def from_environment(cls) -> "Settings":
        """BANK_PORT, BANK_GATEWAY (its id), BANK_GATEWAY_KEY (file with its public JWK), BANK_LOG."""
        return cls(
            port=int(os.environ["BANK_PORT"]),
            gateway=os.environ["BANK_GATEWAY"],
            gateway_key=Path(os.environ["BANK_GATEWAY_KEY"]),
            log=Path(os.environ["BANK_LOG"]),
        )


def bank_api(bank: Bank, log: CallLog) -> Starlette:
    """The API behind the check of the signed context. It answers in full: cutting is the gateway's part."""
    api = _Api(bank, log)
    return Starlette(
        routes=[
            Route("/accounts", api.accounts),
            Route("/accounts/{account}", api.account),
            Route("/accounts/{account}/transactions", api.transactions),
            Route("/accounts/{account}/transactions/{transaction}/category", api.set_category, methods=["PUT"]),
            Route("/accounts/{account}/payments", api.pay, methods=["POST"]),
            Route("/owners/{owner}/accounts", api.owned),
        ],
        exception_handlers={HTTPException: _problem, TooLate: _too_late},
    )


class _Api:
    def __init__(self, bank: Bank, log: CallLog) -> None:
        self._bank, self._log = bank, log

    async def accounts(self, request: Request) -> JSONResponse:
        context = self._begin(request)
        found = self._bank.accounts_of(context.sub or "")
        return JSONResponse({"accounts": [account_record(account) for account in found], "count": len(found)})

    async def account(self, request: Request) -> JSONResponse:
        return JSONResponse(account_record(self._account(request)))

    async def transactions(self, request: Request) -> JSONResponse:
        account = self._account(request)
        since = request.query_params.get("since")
        found = self._bank.transactions(account, _day(since) if since else None)
        return JSONResponse({"transactions": found, "next": None, "account": account_record(account)})

    async def set_category(self, request: Request) -> JSONResponse:
        account = self._account(request)
        wanted = await _body(request)
        transaction: str = request.path_params["transaction"]
        category = wanted.get("category")
        if not isinstance(category, str) or not 0 < len(category) <= 40:
            raise HTTPException(422, "category must be a short text")
        if transaction not in {record["id"] for record in self._bank.transactions(account, None)}:
            raise HTTPException(404, "no such transaction")
        self._bank.categories[transaction] = category
        return JSONResponse({"category": category, "transaction": transaction})

    async def pay(self, request: Request) -> JSONResponse:
        account = self._account(request)
        wanted = await _body(request)
        if set(wanted) != PAYMENT or not all(isinstance(value, str) and value for value in wanted.values()):
            raise HTTPException(422, "amount, payee and reference are needed, as text")
        number = f"pay-{len(self._bank.payments) + 1:06}"
        self._bank.payments[number] = {**wanted, "id": number, "account": account.id}
        return JSONResponse(self._bank.payments[number], status_code=201)

    async def owned(self, request: Request) -> JSONResponse:
        self._begin(request)
        owner: str = request.path_params["owner"]
        return JSONResponse({"resources": [resource(account, owner) for account in self._bank.accounts_of(owner)]})

    def _begin(self, request: Request) -> Context:
        """Write the call down before anything is done for it."""
        context = context_of(request.scope)
        self._log.began(context, request.method, request.scope["route"].path)
        return context

    def _account(self, request: Request) -> Account:
        context = self._begin(request)
        for account in self._bank.accounts_of(context.sub or ""):
            if account.id == request.path_params["account"]:
                return account
        raise HTTPException(404, "no such account")


async def _body(request: Request) -> dict[str, Any]:
    try:
        told = await request.json()
    except ValueError as error:
        raise HTTPException(400, "the body is not JSON") from error
    if not isinstance(told, dict):
        raise HTTPException(400, "the body is not a JSON object")
    return told


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise HTTPException(400, "since is a date such as 2026-01-31") from error


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    told = {"type": "about:blank", "title": error.detail, "status": error.status_code}
    return JSONResponse(told, status_code=error.status_code, media_type="application/problem+json")


async def _too_late(request: Request, _: Exception) -> JSONResponse:
    return await _problem(request, HTTPException(401, "the call came too late"))


def main() -> None:
    """Serve until told to stop."""
    settings = Settings.from_environment()
    key = json.loads(settings.gateway_key.read_text())
    api = bank_api(Bank(lambda: datetime.now(UTC).date()), CallLog(settings.log))
    app = RequireGateway(api, ContextVerifier({settings.gateway: [key]}, RESOURCE))
    # Proxies keep idle connections shorter than this, or a call could meet one that is being closed.
    uvicorn.run(app, host="127.0.0.1", port=settings.port, access_log=False, log_level="warning", timeout_keep_alive=60)


if __name__ == "__main__":
    main()
