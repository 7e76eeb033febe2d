"""Names in a declaration that only the catalog can know: a mistyped scope or API must not wait for its first use."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from grantline.model.errors import InvalidConfiguration

if TYPE_CHECKING:
    from grantline.catalog import Catalog
    from grantline.cli.declaration import Declaration

ABOUT_PERSON = ("openid", "profile", "email")
"""Scopes that are in no catalog, since no API has their data (OIDC Core §5.4)."""
OWN_GRANTS = ("grant_management_query", "grant_management_revoke")
"""The same for what a client does with its own grants (Grant Management §6.1)."""


def require_known(catalog: "Catalog", declaration: "Declaration") -> None:
    """Raises `InvalidConfiguration` naming the path of the first name that is in no catalog."""
    for path, name, known in _names(catalog, declaration):
        if name not in known:
            raise InvalidConfiguration(f"{path}: {name} is not in the catalog; there are: {', '.join(sorted(known))}")


def _names(catalog: "Catalog", declaration: "Declaration") -> Iterator[tuple[str, str, set[str]]]:
    """Path, name, and what it may be, of each name that has to be in the catalog."""
    file = catalog.file
    scopes, apis = {*ABOUT_PERSON, *OWN_GRANTS, *file.scopes}, set(map(str, file.apis))
    types, resources = ({getattr(api, part) for api in file.apis.values()} for part in ("type", "resource"))
    for number, client in enumerate(declaration.clients):
        path = f"$.clients[{number}]"
        yield from _listed(f"{path}.scopes", client.scopes, scopes)
        yield from _listed(f"{path}.details", client.details, types)
        yield from _listed(f"{path}.audience", client.audience, resources)
    for number, person in enumerate(declaration.people):
        for api in person.resource_names:
            yield f"$.people[{number}].resource_names", str(api), apis


def _listed(path: str, names: Iterable[str], known: set[str]) -> Iterator[tuple[str, str, set[str]]]:
    for number, name in enumerate(names):
        yield f"{path}[{number}]", name, known
