"""Finds what a catalog file says that cannot hold. Each finding is a line that begins with the path it is about."""

import re
from collections.abc import Iterable, Iterator
from itertools import combinations
from urllib.parse import urlsplit

from grantline.catalog.details import MOST_CALLS, permitted_fields
from grantline.catalog.entries import ApiEntry, CatalogFile, DataEntry, RouteEntry, ScopeEntry
from grantline.catalog.locate import read_path
from grantline.catalog.routes import Template
from grantline.model.errors import InvalidRequest
from grantline.model.ids import ApiId
from grantline.model.levels import MET_BY

_NAME = re.compile(r"[a-z][a-z0-9_-]*\Z")
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+\Z")
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
_RESERVED = {"openid", "offline_access", "profile", "email", "grant_management_query", "grant_management_revoke"}
_LONGEST_DAYS = 365  # what a person may be asked for at once (CONSENT.md R4)


def lint(file: CatalogFile) -> list[str]:
    """All findings, in the order of the file; empty when the catalog may be used."""
    return [finding for check in (_names, _durations, _purposes, _actions, _apis, _scopes) for finding in check(file)]


def _names(file: CatalogFile) -> Iterator[str]:
    named: list[tuple[str, Iterable[str]]] = [
        ("purposes", file.purposes), ("actions", file.actions), ("apis", file.apis),
    ]  # fmt: skip
    for api, entry in file.apis.items():
        named.append((f"apis.{api}.data", entry.data))
        for datatype, data in entry.data.items():
            named += [(f"apis.{api}.data.{datatype}.fields", data.fields)]
            named += [(f"apis.{api}.data.{datatype}.groups", data.groups)]
    for at, keys in named:
        yield from (f"$.{at}: {key!r} is not a name of a-z, 0-9, _ and -" for key in keys if not _NAME.match(key))


def _durations(file: CatalogFile) -> Iterator[str]:
    days = file.durations_days
    if not days or list(days) != sorted(set(days)) or days[0] < 1 or days[-1] > _LONGEST_DAYS:
        yield f"$.durations_days: different lengths from 1 to {_LONGEST_DAYS} days, shortest first"


def _purposes(file: CatalogFile) -> Iterator[str]:
    shortest = min(file.durations_days, default=0)
    for purpose, entry in file.purposes.items():
        at = f"$.purposes.{purpose}"
        if entry.version < 1:
            yield f"{at}.version: counts from 1"
        for name in ("label", "basis", "retention"):
            if not getattr(entry, name).strip():
                yield f"{at}.{name}: empty"
        if not shortest <= entry.max_days <= _LONGEST_DAYS:
            yield f"{at}.max_days: no length in durations_days fits ({shortest} to {_LONGEST_DAYS})"
        if entry.dpv is not None and not entry.dpv.startswith("https://"):
            yield f"{at}.dpv: not an https IRI"
        for place, fields in entry.permits.items():
            yield from _permits(file, place, fields, f'{at}.permits."{place}"')


def _permits(file: CatalogFile, place: str, fields: tuple[str, ...], at: str) -> Iterator[str]:
    api, _, datatype = place.partition(".")
    data = file.apis[ApiId(api)].data.get(datatype) if api in file.apis else None
    if data is None:
        yield f"{at}: no such kind of data"
    else:
        yield from _unknown(fields, data.fields, at, "field")


def _actions(file: CatalogFile) -> Iterator[str]:
    yield from (f"$.actions.{name}.verb: empty" for name, entry in file.actions.items() if not entry.verb.strip())


def _apis(file: CatalogFile) -> Iterator[str]:
    for name in ("type", "resource"):
        seen: dict[str, str] = {}
        for api, entry in file.apis.items():
            value = getattr(entry, name)
            if value in seen:
                yield f"$.apis.{api}.{name}: {value!r} is also that of {seen[value]}"
            seen[value] = api
    for api, entry in file.apis.items():
        yield from _api(file, api, entry, f"$.apis.{api}")


def _api(file: CatalogFile, api: ApiId, entry: ApiEntry, at: str) -> Iterator[str]:
    for name in ("label", "type"):
        if not getattr(entry, name).strip():
            yield f"{at}.{name}: empty"
    address = urlsplit(entry.resource)
    if address.scheme not in {"https", "http"} or not address.netloc or "#" in entry.resource:
        yield f"{at}.resource: an absolute http(s) URI without fragment (RFC 8707 §2)"
    if not entry.gateways:
        yield f"{at}.gateways: no gateway stands before this API"
    for datatype, data in entry.data.items():
        yield from _data(data, f"{at}.data.{datatype}")
    yield from _routes(file, api, entry, at)
    yield from _resource_list(file, entry, at)


def _data(data: DataEntry, at: str) -> Iterator[str]:
    if not data.label.strip():
        yield f"{at}.label: empty"
    if not 1 <= data.sensitivity <= 4:
        yield f"{at}.sensitivity: from 1 to 4"
    if not data.fields:
        yield f"{at}.fields: a kind of data has at least one field"
    for field, entry in data.fields.items():
        if not entry.label.strip():
            yield f"{at}.fields.{field}.label: empty"
        if entry.group is not None:
            yield from _unknown([entry.group], data.groups, f"{at}.fields.{field}.group", "group")
    for group, words in data.groups.items():
        if not words.label.strip():
            yield f"{at}.groups.{group}.label: empty"
        if sum(field.group == group for field in data.fields.values()) < 2:
            yield f"{at}.groups.{group}: a group joins at least two fields"
    if data.date_field is not None:
        yield from _unknown([data.date_field], data.fields, f"{at}.date_field", "field")
    yield from _paths(data, at)


def _paths(data: DataEntry, at: str) -> Iterator[str]:
    """One field inside another would be let through with it."""
    paths = {field: entry.path or (field,) for field, entry in data.fields.items()}
    for (one, path), (other, further) in combinations(paths.items(), 2):
        shorter = min(len(path), len(further))
        if path[:shorter] == further[:shorter]:
            yield f"{at}.fields.{other}.path: lies within that of {one!r}, or the other way round"


def _routes(file: CatalogFile, api: ApiId, entry: ApiEntry, at: str) -> Iterator[str]:
    ids: set[str] = set()
    templates: list[tuple[RouteEntry, Template]] = []
    for place, route in enumerate(entry.routes):
        here = f"{at}.routes[{place}]"
        if route.id in ids:
            yield f"{here}.id: {route.id!r} is taken"
        ids.add(route.id)
        yield from _route(file, api, entry, route, here)
        template = _template(route.path)
        if template is None:
            yield f"{here}.path: not a path template such as /things/{{thing}}"
            continue
        names = [name for _, name in template.parameters]
        if len(set(names)) != len(names):
            yield f"{here}.path: a parameter is repeated"
        if route.resource is not None:
            yield from _unknown([route.resource], names, f"{here}.resource", "path parameter")
        for other, theirs in templates:
            if other.method == route.method and theirs.overlaps(template):
                yield f"{here}.path: a path can match this and {other.id!r}; which one is meant is in doubt"
        templates.append((route, template))


def _route(file: CatalogFile, api: ApiId, entry: ApiEntry, route: RouteEntry, at: str) -> Iterator[str]:
    if route.method not in _METHODS:
        yield f"{at}.method: one of {', '.join(sorted(_METHODS))}"
    if not route.label.strip():
        yield f"{at}.label: empty"
    yield from _unknown([route.action], file.actions, f"{at}.action", "action")
    yield from _unknown([route.data], entry.data, f"{at}.data", "kind of data")
    data = entry.data.get(route.data)
    if route.since_parameter is not None and data is not None and data.date_field is None:
        yield f"{at}.since_parameter: {route.data!r} has no date_field"
    if set(route.records[:1]) & set(route.envelope):
        yield f"{at}.envelope: would pass the records whole"
    yield from _demands(route, at)
    reachable = any(permitted_fields(file, api, route.data, (route.action,), purpose) for purpose in file.purposes)
    if not route.operator_only and not reachable:
        yield f"{at}: nobody can be granted this route: no purpose may use its data in this way"


def _demands(route: RouteEntry, at: str) -> Iterator[str]:
    """A route that nobody could ever be signed in well enough for."""
    for value in route.acr_values:
        if not MET_BY.get(value):
            yield f"{at}.acr_values: no sign-in here is of the level {value!r}"
    if route.max_age is not None and route.max_age < 1:
        yield f"{at}.max_age: at least one second"
    if route.operator_only and (route.acr_values or route.max_age is not None):
        yield f"{at}: the authority itself calls a route with operator_only, and is nobody who signs in"


def _template(path: str) -> Template | None:
    try:
        read_path(path.replace("{", "").replace("}", ""))
        return Template.of(path)
    except (InvalidRequest, ValueError):
        return None


def _resource_list(file: CatalogFile, entry: ApiEntry, at: str) -> Iterator[str]:
    listed = entry.resource_list
    if listed is None:
        wanting = [r.id for r in entry.routes if not r.operator_only and (r.resource is not None or r.resource_path)]
        if wanting:
            yield f"{at}.resource_list: missing, but {wanting[0]!r} needs something the person picks"
        return
    for name in ("heading", "one", "many"):
        if not getattr(listed, name).strip():
            yield f"{at}.resource_list.{name}: empty"
    yield from _unknown([listed.purpose], file.purposes, f"{at}.resource_list.purpose", "purpose")
    routes = [r for r in entry.routes if r.path == listed.path and r.method == "GET" and r.operator_only]
    if not routes:
        yield f"{at}.resource_list.path: no GET route with operator_only has this path"
    for route in routes:
        data = entry.data.get(route.data)
        if data is not None and data.special:
            # The operator's own consent is nobody's explicit yes, so every gateway would refuse the question.
            yield f"{at}.resource_list: {route.data!r} is special and takes a person's explicit yes; list other data"
    if "{owner}" not in listed.path:
        yield f"{at}.resource_list.path: {{owner}} is missing"


def _scopes(file: CatalogFile) -> Iterator[str]:
    for name, scope in file.scopes.items():
        at = f'$.scopes."{name}"'
        if not _SCOPE.match(name) or name in _RESERVED:
            yield f"{at}: not a scope token (RFC 6749 §3.3), or a reserved one"
        yield from _unknown([scope.api], file.apis, f"{at}.api", "API")
        yield from _unknown([scope.purpose], file.purposes, f"{at}.purpose", "purpose")
        if scope.api in file.apis:
            yield from _scope(file, scope, at)


def _scope(file: CatalogFile, scope: ScopeEntry, at: str) -> Iterator[str]:
    data = file.apis[scope.api].data.get(scope.data)
    if data is None:
        yield f"{at}.data: no such kind of data: {scope.data!r}"
        return
    if not scope.actions:
        yield f"{at}.actions: empty"
    if not scope.required + scope.optional:
        yield f"{at}: names no field"
    for name in ("required", "optional"):
        yield from _unknown(getattr(scope, name), data.fields, f"{at}.{name}", "field")
    for field in sorted(set(scope.required) & set(scope.optional)):
        yield f"{at}.optional: {field!r} is already required"
    for action in scope.actions:
        permitted = permitted_fields(file, scope.api, scope.data, (action,), scope.purpose)
        for field in scope.required + scope.optional:
            if field in data.fields and field not in permitted:
                yield f"{at}: {scope.purpose!r} may not use {field!r} for {action!r}, or no open route does it"
    if scope.lookback_days is not None and (data.date_field is None or scope.lookback_days < 1):
        yield f"{at}.lookback_days: needs a date_field and at least one day"
    if scope.calls is not None and not 0 < scope.calls <= MOST_CALLS:
        yield f"{at}.calls: from 1 to {MOST_CALLS} calls"


def _unknown(wanted: Iterable[str], known: Iterable[str], at: str, kind: str) -> Iterator[str]:
    here = set(known)
    yield from (f"{at}: no such {kind}: {one!r}" for one in wanted if one not in here)
