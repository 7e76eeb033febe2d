"""What a call is, by the catalog: route, action, data, resources, fields, and how its answer can be cut."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from grantline.catalog import Catalog
from grantline.gateway.refusal import Refusal
from grantline.gateway.step_up import StepUp
from grantline.model.consent import Item
from grantline.model.decision import Call, FieldFilter, Located
from grantline.model.errors import InvalidRequest, NotFound
from grantline.model.ids import ApiId, PurposeId
from grantline.model.reasons import Reason
from grantline.policy import data_entity

_REMEMBERED = 4_096
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """What a route can promise about its answers; see `CallFacts` for the words. `step_up`: what it demands."""

    reads: bool
    special: bool
    keeps_own_records: bool
    keeps_recent_records: bool
    step_up: StepUp


@dataclass(frozen=True, slots=True)
class Place:
    """A call that the catalog knows."""

    located: Located
    route: RouteFacts
    api_type: str
    resource: str


class Places:
    """The catalog as enforcement asks it."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._routes = dict(_route_facts(catalog))
        # Pure and asked again and again: one client's calls are much alike. What raises is not kept.
        self._place = lru_cache(maxsize=_REMEMBERED)(self._found)
        self._cut = lru_cache(maxsize=_REMEMBERED)(self._cut_of_the_day)

    def audience(self, api: ApiId) -> str:
        """The resource identifier that tokens for this API name; raises `Refusal` for an API not served here."""
        try:
            return self.catalog.api(api).resource
        except NotFound as error:
            raise Refusal(Reason.ROUTE_UNKNOWN, str(error)) from error

    def wants_opaque(self, api: ApiId) -> bool:
        """True if tokens for an API that is served here say nothing, so that each is asked about."""
        return self.catalog.asks_for_opaque((self.audience(api),))

    def place(self, call: Call) -> Place:
        """What this call is. Raises `Refusal`: request_invalid where it could be read in two ways, route_unknown."""
        return self._place(call.api, call.method, call.path, call.query)

    def cut(self, located: Located, item: Item, fields: tuple[str, ...], now: int) -> FieldFilter | None:
        """What the answer to a call is cut to under `item`; see `Catalog.field_filter`."""
        return self._cut(located, item, fields, now // _DAY)

    def _found(self, api: ApiId, method: str, path: str, query: str) -> Place:
        try:
            located = self.catalog.locate(api, method, path, query)
        except InvalidRequest as error:
            raise Refusal(Reason.REQUEST_INVALID, error.message) from error
        if located is None:
            raise Refusal(Reason.ROUTE_UNKNOWN, f"no route of {api} for this method and path")
        entry = self.catalog.api(api)
        return Place(located, self._routes[api, located.route], entry.type, entry.resource)

    def _cut_of_the_day(self, located: Located, item: Item, fields: tuple[str, ...], day: int) -> FieldFilter | None:
        return self.catalog.field_filter(located, item, now=day * _DAY, fields=fields)

    def data_entities(self) -> Iterator[dict[str, Any]]:
        """Every kind of data, for the policy."""
        for api, entry in self.catalog.file.apis.items():
            for name, data in entry.data.items():
                yield data_entity(f"{api}/{name}", sensitivity=data.sensitivity, special=data.special)

    def scopes_for(self, place: Place, purpose: PurposeId | None) -> tuple[str, ...]:
        """Scopes that reach this action on this data, because of this purpose if one is known."""
        located = place.located
        return tuple(
            name
            for name, scope in self.catalog.file.scopes.items()
            if (scope.api, scope.data) == (located.api, located.datatype)
            and located.action in scope.actions
            and purpose in (None, scope.purpose)
        )


def _route_facts(catalog: Catalog) -> Iterator[tuple[tuple[ApiId, str], RouteFacts]]:
    for api, entry in catalog.file.apis.items():
        for route in entry.routes:
            data = entry.data[route.data]
            yield (
                (api, route.id),
                RouteFacts(
                    reads=not catalog.action(route.action).changes,
                    special=data.special,
                    keeps_own_records=route.resource is None and bool(route.resource_path) and not route.unfiltered,
                    keeps_recent_records=data.date_field is not None and not route.unfiltered,
                    step_up=StepUp(route.acr_values, route.max_age),
                ),
            )
