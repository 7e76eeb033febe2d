"""The process that sends entries out: it reads published files and nothing else of the ledger."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from grantline.app.log import set_up_log
from grantline.app.own_secrets import producer_key
from grantline.ledger.formats.reading import Form, Format, form_of
from grantline.ledger.published import Published
from grantline.ledger.settings import Places
from grantline.ledger.sinks.file import FileSink
from grantline.ledger.sinks.follower import Follower, Sink
from grantline.ledger.sinks.http import HttpSink, lines, otlp
from grantline.ledger.sinks.settings import SinkSettings, require_sound
from grantline.ledger.sinks.syslog import SyslogSink
from grantline.model.clock import SystemClock
from grantline.model.errors import InvalidConfiguration
from grantline.settings import Settings

T = TypeVar("T")
_CONTENT = {Format.SET: "application/jwt-seq", Format.CEF: "text/plain; charset=utf-8"}


async def run(settings: Settings, data: Path, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Follow for every sink until `stop`."""
    set_up_log(data, "sinks")
    require_sound(settings.sinks)
    places = Places(data)
    published = Published(places.public)
    followers = [
        Follower(each.name, published, open_sink(each, data, settings), places.sinks / f"{each.name}.json")
        for each in settings.sinks
    ]
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(follower.follow()) for follower in followers]
            ready()
            await stop.wait()
            for task in running:
                task.cancel()
    except* InvalidConfiguration as group:
        raise group.exceptions[0] from None
    finally:
        for follower in followers:
            await follower.close()


def open_sink(sink: SinkSettings, data: Path, settings: Settings) -> Sink:
    """What one table describes. Raises `InvalidConfiguration` for a file that cannot be read."""
    kind = Format(sink.format)
    form: Form = form_of(kind, SystemClock(), lambda: producer_key(data, settings.keys))
    if sink.to == "file":
        return FileSink(_given(sink.file), sink.file_mib * 1024 * 1024, form)
    if sink.to == "syslog":
        return SyslogSink(_given(sink.host), sink.port, _trust(sink), form)
    write, content = (otlp, "application/json") if sink.to == "otlp" else (lines(form), _content(kind))
    return HttpSink(_given(sink.url), _trust(sink), write, content, lambda: _token(sink))


def _content(kind: Format) -> str:
    return _CONTENT.get(kind, "application/x-ndjson")


def _given(value: T | None) -> T:
    assert value is not None  # `require_sound` looked.
    return value


def _trust(sink: SinkSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if sink.ca is None else str(sink.ca))
    except (OSError, ssl.SSLError) as error:
        raise InvalidConfiguration(f"$.sinks[{sink.name}].ca: {sink.ca}: {error}") from error


def _token(sink: SinkSettings) -> str | None:
    return None if sink.token_file is None else sink.token_file.read_text(encoding="utf-8").strip()
