"""Addresses of calls as gateways read them, and catalog files."""

import tomllib
from pathlib import Path

from grantline.catalog import build_catalog
from grantline.catalog.locate import read_path, read_query
from grantline.model.errors import InvalidConfiguration, InvalidRequest
from tests.fuzz.target import refused, target, text

CATALOG = build_catalog(tomllib.loads(Path("demo/catalog.toml").read_text()))


@target
def call_path(data: bytes) -> None:
    """A path is read in one way: it leads nowhere upwards, and is spelled so that nobody reads it otherwise."""
    path = text(data)
    with refused(InvalidRequest):
        segments = read_path(path)
        assert not {".", ".."} & set(segments)
        assert "" not in segments[:-1]
        assert not any(letter in segment for segment in segments for letter in "/\\%;?#")
        assert len(segments) == path.count("/")


@target
def call_query(data: bytes) -> None:
    """Each name stands once, without controls."""
    with refused(InvalidRequest):
        values = read_query(text(data))
        assert len(values) <= text(data).count("&") + 1
        assert all((name and (name + value).isprintable()) or " " in name + value or not (name + value).isascii()
                   for name, value in values.items())  # fmt: skip


@target
def located_call(data: bytes) -> None:
    """A method and target at every API of the demonstration: a route of its own, or none."""
    method, _, target_ = text(data).partition(" ")
    path, _, query = target_.partition("?")
    for api in CATALOG.file.apis:
        with refused(InvalidRequest):
            found = CATALOG.locate(api, method, path, query)
            assert found is None or found.route in {route.id for route in CATALOG.file.apis[api].routes}


@target
def catalog_file(data: bytes) -> None:
    """A catalog of strangers: every fault is a line that names its place."""
    try:
        raw = tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return
    with refused(InvalidConfiguration):
        assert build_catalog(raw).hash == build_catalog(raw).hash
