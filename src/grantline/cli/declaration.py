"""What `grantline apply -f` reads: clients, people, a catalog and policies, as an operator declares them.

A typing mistake anywhere is one error that names its path; nothing of such a file is applied.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from grantline.authorization import ServiceGrant, TrustedIssuer, check_issuer
from grantline.catalog import Catalog, load_catalog
from grantline.identity import PersonDeclaration
from grantline.model.errors import InvalidConfiguration
from grantline.parties import Client, read_client
from grantline.settings import read_toml

_Table = TypeVar("_Table", ServiceGrant, TrustedIssuer)


class SecretReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a secret stands: a file, or a variable of the environment. Never the secret itself."""

    file: Path | None = None
    env: str | None = None


class PersonTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[[people]]` table: a declared person, whose password is referred to."""

    username: str
    name: str
    email: str | None = None
    roles: tuple[str, ...] = ()
    resource_names: dict[str, str] = {}
    password: SecretReference | None = None


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file as TOML has it; clients are read by the part that knows them."""

    catalog: Path | None = None
    policy: Path | None = None
    clients: tuple[dict[str, Any], ...] = ()
    people: tuple[PersonTable, ...] = ()
    service_grants: tuple[dict[str, Any], ...] = ()
    trusted_issuers: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Declaration:
    """A file that was read without fault. `catalog_text`: the catalog's own bytes, kept as they are.

    `policy`: the organisation's own policies (Cedar), which may only forbid; None leaves those that there are.
    """

    catalog: Catalog | None
    catalog_text: bytes
    policy: str | None
    clients: tuple[Client, ...]
    people: tuple[PersonDeclaration, ...]
    service_grants: tuple[ServiceGrant, ...] = ()
    trusted_issuers: tuple[TrustedIssuer, ...] = ()


def read_declaration(path: Path) -> Declaration:
    """The file, and what it refers to relative to itself. Raises `InvalidConfiguration`."""
    try:
        file = msgspec.convert(read_toml(path), File, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise InvalidConfiguration(f"{path}: {error}") from error
    catalog_path = None if file.catalog is None else path.parent / file.catalog
    return Declaration(
        catalog=None if catalog_path is None else load_catalog(catalog_path),
        catalog_text=b"" if catalog_path is None else catalog_path.read_bytes(),
        policy=None if file.policy is None else _text(path.parent / file.policy, "$.policy"),
        clients=tuple(read_client(client, f"$.clients[{index}]") for index, client in enumerate(file.clients)),
        people=tuple(_person(person, f"$.people[{index}]", path.parent) for index, person in enumerate(file.people)),
        service_grants=tuple(
            _table(one, ServiceGrant, f"$.service_grants[{index}]") for index, one in enumerate(file.service_grants)
        ),
        trusted_issuers=tuple(
            check_issuer(_table(one, TrustedIssuer, place), place)
            for place, one in ((f"$.trusted_issuers[{index}]", one) for index, one in enumerate(file.trusted_issuers))
        ),
    )


def _table(table: dict[str, Any], kind: type[_Table], place: str) -> _Table:
    """One table of the file as its part knows it."""
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        sentence, _, inside = str(error).partition(" - at `")
        raise InvalidConfiguration(f"{place}{inside.rstrip('`').removeprefix('$')}: {sentence}") from error


def _text(path: Path, place: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(f"{place}: {path} cannot be read: {error}") from error


def _person(table: PersonTable, place: str, base: Path) -> PersonDeclaration:
    known = {field: getattr(table, field) for field in table.__struct_fields__ if field != "password"}
    secret = None if table.password is None else _secret(table.password, f"{place}.password", base)
    return PersonDeclaration(**known, password=secret)


def _secret(reference: SecretReference, place: str, base: Path) -> str:
    """The secret that is referred to, without the line break that ends its file."""
    match reference:
        case SecretReference(file=Path() as file, env=None):
            try:
                return (base / file).read_text().rstrip("\n")
            except OSError as error:
                raise InvalidConfiguration(f"{place}.file: {file} cannot be read: {error.strerror}") from error
        case SecretReference(file=None, env=str() as name):
            if name not in os.environ:
                raise InvalidConfiguration(f"{place}.env: {name} is not set in the environment")
            return os.environ[name]
    raise InvalidConfiguration(f"{place}: name either a file or a variable, as in {{ file = 'path' }}")


def _decode(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(kind)
