"""Which routes of a catalog demand more than the adapter before them can enforce: said before anybody relies on it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from grantline.catalog import CatalogFile
from grantline.model.decision import Obligation
from grantline.model.ids import ApiId


@dataclass(frozen=True, slots=True)
class Adapter:
    """What stands before an API: its name, and what it declares to enforce."""

    name: str
    enforces: frozenset[Obligation]


def beyond(file: CatalogFile, before: Callable[[ApiId], Adapter]) -> Iterator[str]:
    """One line for each route and obligation that the adapter `before` its API cannot enforce."""
    for api, entry in file.apis.items():
        adapter = before(api)
        for route in entry.routes:
            # What passes whole demands nothing; every other answer may have to be cut to what was agreed.
            demanded = frozenset() if route.unfiltered else frozenset({Obligation.FIELD_ALLOW_LIST})
            for obligation in sorted(demanded - adapter.enforces):
                yield (
                    f"$.apis.{api}.routes: {route.id} needs {obligation}, which {adapter.name} cannot enforce; "
                    "its calls would be refused (obligation_unsupported)"
                )
