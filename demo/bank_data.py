"""What the demonstration's bank knows: made-up people, accounts and sixty days of transactions, the same every time."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Record = dict[str, Any]

HOLDER = "holder"
PARTNER = "partner"
DAYS = 60

_SHOPS = (
    ("Corner Grocery", "groceries", 8, 74),
    ("Town Bakery", "groceries", 2, 14),
    ("City Transport", "travel", 3, 48),
    ("Bright Energy", "bills", 38, 96),
    ("Fibre Net", "bills", 29, 45),
    ("Garden Café", "eating out", 6, 38),
    ("Main Street Pharmacy", "health", 5, 42),
    ("Riverside Books", "leisure", 9, 35),
)
_PEOPLE = (("Landlord", "rent", -920), ("Employer", "salary", 2_480), ("Sports club", "leisure", -35))
_PAY_DAYS = {1: 0, 25: 1, 10: 2}


@dataclass(frozen=True, slots=True)
class Account:
    """One account. `owners` may read it; `shared_by` are those who may share it with an app."""

    id: str
    name: str
    digits: str
    owners: tuple[str, ...]
    shared_by: tuple[str, ...]
    balance: str
    note: str | None = None

    @property
    def label(self) -> str:
        """As a person knows it."""
        return f"{self.name} •• {self.digits}"


ACCOUNTS = (
    Account("acc-4821", "Everyday account", "4821", (HOLDER,), (HOLDER,), "1284.17"),
    Account(
        "acc-5530", "Joint account", "5530", (HOLDER, PARTNER), (HOLDER, PARTNER), "3410.02",
        "Shared. The co-owner will be told.",
    ),
    Account("acc-0937", "Savings account", "0937", (HOLDER,), (HOLDER,), "12050.00"),
    Account("acc-7714", "Business account", "7714", (HOLDER,), (), "48210.66"),
    Account("acc-6102", "Everyday account", "6102", (PARTNER,), (PARTNER,), "655.40"),
)  # fmt: skip


@dataclass(slots=True)
class Bank:
    """The bank's whole state. Transactions follow from account and day alone; categories and payments are kept here."""

    today: Callable[[], date]
    categories: dict[str, str] = field(default_factory=dict)
    payments: dict[str, Record] = field(default_factory=dict)

    def accounts_of(self, owner: str) -> list[Account]:
        """Every account this person may read."""
        return [account for account in ACCOUNTS if owner in account.owners]

    def transactions(self, account: Account, since: date | None) -> list[Record]:
        """Newest first, not older than `since`."""
        today = self.today()
        first = max(today - timedelta(days=DAYS), since or date.min)
        days = [today - timedelta(days=back) for back in range(DAYS + 1)]
        found = [record for day in days if day >= first for record in _of_day(account, day)]
        return [{**record, "category": self.categories.get(record["id"], record["category"])} for record in found]


def account_record(account: Account) -> Record:
    """All that the bank holds of an account: more than any app is ever granted."""
    return {
        "id": account.id,
        "name": account.name,
        "balance": account.balance,
        "currency": "EUR",
        "iban": _iban(account.id),
        "owners": [{"name": owner} for owner in account.owners],
        "overdraft": {"limit": "500.00", "used": "0.00"},
    }


def resource(account: Account, owner: str) -> Record:
    """How the account stands in the list of what its owner may share."""
    available = owner in account.shared_by
    told: Record = {"id": account.id, "label": account.label, "available": available}
    if account.note:
        told["note"] = account.note
    if not available:
        told["reason"] = "only the business can share it."
    return told


def _of_day(account: Account, day: date) -> Iterator[Record]:
    chance = random.Random(f"{account.id} {day.isoformat()}")
    for number in range(chance.randint(1, 3)):
        name, category, least, most = chance.choice(_SHOPS)
        amount = -Decimal(chance.randint(least * 100, most * 100)) / 100
        yield _record(account, day, number, amount, category) | {
            "merchant": {"name": name, "terminal": f"{chance.randrange(10**8):08}"},
            "counterparty": {"name": name, "iban": _iban(name)},
        }
    if day.day in _PAY_DAYS:
        name, category, whole = _PEOPLE[_PAY_DAYS[day.day]]
        yield _record(account, day, 9, Decimal(whole), category) | {
            "merchant": None,
            "counterparty": {"name": name, "iban": _iban(name)},
        }


def _record(account: Account, day: date, number: int, amount: Decimal, category: str) -> Record:
    return {
        "id": f"{account.digits}-{day:%Y%m%d}-{number}",
        "date": day.isoformat(),
        "amount": f"{amount:.2f}",
        "currency": "EUR",
        "category": category,
        "reference": f"REF {account.digits} {day:%d%m} {number}",
    }


def _iban(name: str) -> str:
    """An IBAN of a country code that is nobody's, made from the name."""
    return f"XX{random.Random(name).randrange(10**20):020}"
