"""One `[[sinks]]` table each."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from grantline.model.errors import InvalidConfiguration

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class SinkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where entries go. `name`: of its place in the log, never used for another.

    `file`: to append to, `file_mib`: turned at this size. `host`, `port`: of a syslog server, always over TLS. `url`:
    takes a POST. `ca`: PEM file to trust instead of the system's. `token_file`: holds a bearer token.
    """

    name: str
    to: Literal["file", "syslog", "http", "otlp"]
    format: Literal["ocsf", "cloudevents", "set", "cef"] = "ocsf"
    file: Path | None = None
    file_mib: int = 256
    host: str | None = None
    port: int = 6514
    url: str | None = None
    ca: Path | None = None
    token_file: Path | None = None


_NEEDS = {"file": ("file",), "syslog": ("host",), "http": ("url",), "otlp": ("url",)}
_MAY = {"file": {"file_mib"}, "syslog": {"port", "ca"}, "http": {"ca", "token_file"}, "otlp": {"ca", "token_file"}}


def require_sound(sinks: Sequence[SinkSettings]) -> None:
    """Raises `InvalidConfiguration` that names the table and the field."""
    names = [sink.name for sink in sinks]
    for sink in sinks:
        where = f"$.sinks[{sink.name}]"
        if not _NAME.fullmatch(sink.name):
            raise InvalidConfiguration(f"{where}: a name has lower-case letters, digits and hyphens.")
        if names.count(sink.name) > 1:
            raise InvalidConfiguration(f"{where}: two sinks have this name.")
        _require_fields(sink, where)


def _require_fields(sink: SinkSettings, where: str) -> None:
    needs = _NEEDS[sink.to]
    for name in needs:
        if getattr(sink, name) is None:
            raise InvalidConfiguration(f"{where}.{name}: a sink to {sink.to} needs it.")
    allowed = {"name", "to", "format", *needs, *_MAY[sink.to]}
    for name in sink.__struct_fields__:
        if name not in allowed and getattr(sink, name) != _DEFAULTS[name]:
            raise InvalidConfiguration(f"{where}.{name}: a sink to {sink.to} takes none.")
    if sink.to == "otlp" and sink.format != "ocsf":
        raise InvalidConfiguration(f"{where}.format: OTLP has a form of its own.")
    if sink.url is not None and not _is_safe(sink.url):
        raise InvalidConfiguration(f"{where}.url: https, or http on this machine.")


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))


_DEFAULTS = {each.name: each.default for each in msgspec.structs.fields(SinkSettings)}
