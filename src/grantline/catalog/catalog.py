"""The catalog with its indexes built once: which API, which route, which words. Immutable; a change is a new one."""

from dataclasses import dataclass
from typing import TypeVar

import msgspec
from msgspec import UNSET

from grantline.catalog import details, filters, locate
from grantline.catalog.asked import Asked, join
from grantline.catalog.entries import (
    ActionEntry,
    ApiEntry,
    CatalogFile,
    DataEntry,
    FieldEntry,
    PurposeEntry,
    ScopeEntry,
    TokenFormat,
)
from grantline.catalog.routes import Route, Template
from grantline.crypto import jcs
from grantline.model.consent import Item, Purpose
from grantline.model.decision import FieldFilter, Located
from grantline.model.errors import InvalidScope, NotFound
from grantline.model.ids import ApiId, GatewayId, PurposeId

_Key = TypeVar("_Key")
_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """Everything that may be delegated. Two catalogs are the same when their `hash` is."""

    file: CatalogFile
    hash: str
    _routes: dict[ApiId, tuple[Route, ...]]
    _by_id: dict[tuple[ApiId, str], Route]
    _by_resource: dict[str, ApiId]

    @classmethod
    def from_file(cls, file: CatalogFile) -> "Catalog":
        """Build the indexes. The file is taken to be free of lint (see `lint`)."""
        routes = {
            api: tuple(Route(route, Template.of(route.path)) for route in entry.routes)
            for api, entry in file.apis.items()
        }
        return cls(
            file=file,
            hash=jcs.digest(file),
            _routes=routes,
            _by_id={(api, route.entry.id): route for api, several in routes.items() for route in several},
            _by_resource={entry.resource: api for api, entry in file.apis.items()},
        )

    # What a call is

    def locate(self, api: ApiId, method: str, path: str, query: str) -> Located | None:
        """What this call of this API is; None when no route of the catalog matches.

        `path` and `query` raw, as received. Raises `InvalidRequest` where they could be read in two ways.
        """
        segments, values = locate.read_path(path), locate.read_query(query)
        found = locate.find(self._routes.get(api, ()), method, segments)
        if found is None:
            return None
        route, parameters = found
        entry = route.entry
        return Located(
            api=api,
            route=entry.id,
            endpoint_class=route.endpoint_class,
            action=entry.action,
            datatype=entry.data,
            resources=(parameters[entry.resource],) if entry.resource is not None else (),
            asked_fields=locate.asked_fields(route, values),
            sensitivity=self.data(api, entry.data).sensitivity,
            since=locate.asked_since(route, values),
        )

    def field_filter(
        self, located: Located, item: Item, *, now: int, fields: tuple[str, ...] = ()
    ) -> FieldFilter | None:
        """What the answer to this call is cut to under `item`; None when the route has nothing to cut.

        `fields` ⊆ `item.fields`, empty means all. `now` in unix seconds, for the lookback: its day (UTC) alone counts.
        """
        route = self._by_id[located.api, located.route].entry
        return filters.make_filter(route, self.data(located.api, route.data), item, fields=fields, now=now)

    def oldest_day(self, item: Item, now: int) -> str | None:
        """The first day (`YYYY-MM-DD`) that `item` reaches back to; None: no limit."""
        return filters.oldest_day(item, now)

    # What may be asked for

    def asked_by_scopes(self, scopes: tuple[str, ...]) -> tuple[Asked, ...]:
        """The details that these scopes are names for, joined; an unknown scope raises `InvalidScope`."""
        unknown = [scope for scope in scopes if scope not in self.file.scopes]
        if unknown:
            raise InvalidScope("A scope is unknown.", detail=f"{unknown}")
        return join(one for scope in scopes for one in self._asked_by(self.file.scopes[scope]))

    def scope_items(self, scopes: tuple[str, ...]) -> tuple[Item, ...]:
        """The items alone; see `asked_by_scopes`."""
        return tuple(asked.item for asked in self.asked_by_scopes(scopes))

    def asked_by_details(self, raw: object) -> tuple[Asked, ...]:
        """RFC 9396 `authorization_details` as decoded JSON, read strictly; raises `InvalidAuthorizationDetails`."""
        return details.parse(self.file, raw)

    def parse_details(self, raw: object) -> tuple[Item, ...]:
        """The items alone; see `asked_by_details`."""
        return tuple(asked.item for asked in self.asked_by_details(raw))

    def _asked_by(self, scope: ScopeEntry) -> tuple[Asked, ...]:
        api = self.file.apis[scope.api]
        return tuple(
            Asked(
                item=Item(
                    type=api.type,
                    api=scope.api,
                    actions=(action,),
                    datatype=scope.data,
                    fields=scope.required + scope.optional,
                    resources=(),
                    purpose=scope.purpose,
                    locations=(api.resource,),
                    lookback_days=scope.lookback_days,
                    calls=UNSET if scope.calls is None else scope.calls,
                ),
                required=scope.required,
            )
            for action in scope.actions
        )

    def permitted_fields(self, item: Item) -> tuple[str, ...]:
        """The fields of its kind of data that the purpose of `item` may use for its action, in catalog order."""
        return details.permitted_fields(self.file, item.api, item.datatype, item.actions, item.purpose)

    def serves(self, item: Item) -> bool:
        """True if some route may be called by it: not after its API, its kind of data or its act left the catalog."""
        return any(
            route.entry.data == item.datatype and route.entry.action in item.actions and not route.entry.operator_only
            for route in self._routes.get(item.api, ())
        )

    def needs_resources(self, api: ApiId, datatype: str) -> bool:
        """True if this data belongs to things that the person has to pick (accounts)."""
        return any(
            route.entry.data == datatype and (route.entry.resource is not None or bool(route.entry.resource_path))
            for route in self._routes.get(api, ())
        )

    def operator_item(self, api: ApiId) -> Item | None:
        """The item of the resource list of an API, for the operator's own consent; None when it has no list."""
        entry = self.api(api)
        for route in self._routes[api]:
            if entry.resource_list is not None and route.entry.path == entry.resource_list.path:
                return Item(
                    type=entry.type,
                    api=api,
                    actions=(route.entry.action,),
                    datatype=route.entry.data,
                    fields=tuple(self.data(api, route.entry.data).fields),
                    resources=(),
                    purpose=entry.resource_list.purpose,
                    locations=(entry.resource,),
                )
        return None

    # Who takes part

    def api_for_resource(self, uri: str) -> ApiId | None:
        """The API with this RFC 8707 resource identifier."""
        return self._by_resource.get(uri)

    def asks_for_opaque(self, resources: tuple[str, ...]) -> bool:
        """True if a token for these audiences has to be opaque: one that asks for it decides for all of them."""
        apis = (self._by_resource.get(uri) for uri in resources)
        return any(api is not None and self.file.apis[api].token_format is TokenFormat.OPAQUE for api in apis)

    def assigned_to(self, gateway: GatewayId) -> CatalogFile:
        """The part that one gateway needs: its own APIs, their scopes, and all words for actions and purposes."""
        apis = {api: entry for api, entry in self.file.apis.items() if gateway in entry.gateways}
        scopes = {name: scope for name, scope in self.file.scopes.items() if scope.api in apis}
        return msgspec.structs.replace(self.file, apis=apis, scopes=scopes)

    def apis_of(self, gateway: GatewayId) -> tuple[ApiId, ...]:
        """The APIs that one gateway stands before."""
        return tuple(api for api, entry in self.file.apis.items() if gateway in entry.gateways)

    # Words

    def api(self, api: ApiId) -> ApiEntry:
        """An API by its id; raises `NotFound`."""
        return _known(self.file.apis, api, "API")

    def data(self, api: ApiId, datatype: str) -> DataEntry:
        """A kind of data of an API; raises `NotFound`."""
        return _known(self.api(api).data, datatype, "kind of data")

    def field(self, api: ApiId, datatype: str, field: str) -> FieldEntry:
        """A field of a kind of data; raises `NotFound`."""
        return _known(self.data(api, datatype).fields, field, "field")

    def action(self, action: str) -> ActionEntry:
        """An action; raises `NotFound`."""
        return _known(self.file.actions, action, "action")

    def purpose_entry(self, purpose: PurposeId) -> PurposeEntry:
        """A purpose; raises `NotFound`."""
        return _known(self.file.purposes, purpose, "purpose")

    def purpose(self, purpose: PurposeId) -> Purpose:
        """A purpose in the form in which a version keeps it."""
        entry = self.purpose_entry(purpose)
        return Purpose(id=purpose, version=entry.version, text=entry.label, dpv=entry.dpv, basis=entry.basis)

    def endpoint_label(self, api: ApiId, endpoint_class: str) -> str:
        """The words for an endpoint class as recorded; the class itself when the catalog no longer has it."""
        for route in self._routes.get(api, ()):
            if route.endpoint_class == endpoint_class:
                return route.entry.label
        return endpoint_class


def _known(entries: dict[_Key, _Entry], key: _Key, kind: str) -> _Entry:
    try:
        return entries[key]
    except KeyError:
        raise NotFound(f"The catalog has no {kind} {key!r}.") from None
