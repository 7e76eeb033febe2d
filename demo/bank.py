"""The demonstration's bank: an API of its own that answers only calls which its gateway signed for."""

from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from demo import upstream
from demo.bank_data import Account, Bank, account_record, resource
from demo.calls import CallLog

RESOURCE = "https://bank.example/api"
PAYMENT = {"amount", "payee", "reference"}


def bank_api(bank: Bank, log: CallLog) -> Starlette:
    """The API behind its door. It answers in full: cutting is the gateway's part."""
    calls = _Calls(bank, log)
    return upstream.api(
        [
            Route("/accounts", calls.accounts),
            Route("/accounts/{account}", calls.account),
            Route("/accounts/{account}/transactions", calls.transactions),
            Route("/accounts/{account}/transactions/{transaction}/category", calls.set_category, methods=["PUT"]),
            Route("/accounts/{account}/payments", calls.pay, methods=["POST"]),
            Route("/owners/{owner}/accounts", calls.owned),
        ]
    )


class _Calls:
    def __init__(self, bank: Bank, log: CallLog) -> None:
        self._bank, self._log = bank, log

    async def accounts(self, request: Request) -> JSONResponse:
        context = upstream.begin(request, self._log)
        found = self._bank.accounts_of(context.sub or "")
        return JSONResponse({"accounts": [account_record(account) for account in found], "count": len(found)})

    async def account(self, request: Request) -> JSONResponse:
        return JSONResponse(account_record(self._account(request)))

    async def transactions(self, request: Request) -> JSONResponse:
        account = self._account(request)
        found = self._bank.transactions(account, upstream.since_of(request))
        return JSONResponse({"transactions": found, "next": None, "account": account_record(account)})

    async def set_category(self, request: Request) -> JSONResponse:
        account = self._account(request)
        category = (await upstream.object_of(request)).get("category")
        transaction: str = request.path_params["transaction"]
        if not isinstance(category, str) or not 0 < len(category) <= 40:
            raise HTTPException(422, "category must be a short text")
        if transaction not in {record["id"] for record in self._bank.transactions(account, None)}:
            raise HTTPException(404, "no such transaction")
        self._bank.categories[transaction] = category
        return JSONResponse({"category": category, "transaction": transaction})

    async def pay(self, request: Request) -> JSONResponse:
        account = self._account(request)
        wanted = await upstream.object_of(request)
        if set(wanted) != PAYMENT or not all(isinstance(value, str) and value for value in wanted.values()):
            raise HTTPException(422, "amount, payee and reference are needed, as text")
        number = f"pay-{len(self._bank.payments) + 1:06}"
        self._bank.payments[number] = {**wanted, "id": number, "account": account.id}
        return JSONResponse(self._bank.payments[number], status_code=201)

    async def owned(self, request: Request) -> JSONResponse:
        upstream.begin(request, self._log)
        owner: str = request.path_params["owner"]
        return JSONResponse({"resources": [resource(account, owner) for account in self._bank.accounts_of(owner)]})

    def _account(self, request: Request) -> Account:
        context = upstream.begin(request, self._log)
        for account in self._bank.accounts_of(context.sub or ""):
            if account.id == request.path_params["account"]:
                return account
        raise HTTPException(404, "no such account")


def main() -> None:
    """Serve until told to stop; settings from the environment as BANK_…"""
    settings = upstream.Settings.from_environment("BANK")
    bank = Bank(lambda: datetime.now(UTC).date())
    upstream.serve(upstream.behind_gateway(bank_api(bank, CallLog(settings.log)), settings, RESOURCE), settings.port)


if __name__ == "__main__":
    main()
