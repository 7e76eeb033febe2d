"""No store of the authority is without a suite that both databases pass, and no method of one."""

from collections.abc import Iterator
from functools import cached_property
from inspect import getmembers, iscoroutinefunction
from pathlib import Path
from typing import Any, cast

import grantline.testing
from grantline.storage.sql.cursor import Cursor
from grantline.storage.sql.transaction import SqlTransaction

SUITES = Path(grantline.testing.__file__).parent.glob("*_stores.py")


def asked_of(store: object, name: str) -> Iterator[str]:
    """Every method by the name that suites call it by, those of stores within it too."""
    for method, _ in getmembers(store, iscoroutinefunction):
        yield f"{name}.{method}("
    for inner, value in vars(store).items():
        if not inner.startswith("_"):
            yield from asked_of(value, f"{name}.{inner}")


def test_every_method_of_every_store_is_asked_for_by_a_suite() -> None:
    transaction: Any = SqlTransaction(cast(Cursor, object()))
    names = [name for name, kind in vars(SqlTransaction).items() if isinstance(kind, cached_property)]
    asked = "".join(suite.read_text() for suite in SUITES)
    wanted = [method for name in names for method in asked_of(getattr(transaction, name), f"tx.{name}")]
    assert len(wanted) > 100
    assert [method for method in wanted if method not in asked] == []
