"""Entries in order below a signed checkpoint: what is sent out was signed before."""

from collections.abc import Callable, Iterator
from enum import StrEnum

from grantline.crypto.es256 import SigningKey
from grantline.crypto.tiles import ENTRIES, WIDTH, Tile, unbundle
from grantline.ledger.formats.cef import cef
from grantline.ledger.formats.cloudevents import cloudevent
from grantline.ledger.formats.event_token import event_token
from grantline.ledger.formats.ocsf import ocsf
from grantline.ledger.formats.record import Record, record
from grantline.ledger.published import Published
from grantline.model.clock import Clock
from grantline.model.errors import NotFound

Form = Callable[[Record], bytes]


class Format(StrEnum):
    """How entries are written."""

    OCSF = "ocsf"
    CLOUDEVENTS = "cloudevents"
    SET = "set"
    CEF = "cef"


def form_of(kind: Format, clock: Clock, key: Callable[[], SigningKey]) -> Form:
    """How one record is written; `key` is asked for only where records are signed."""
    if kind is not Format.SET:
        return {Format.OCSF: ocsf, Format.CLOUDEVENTS: cloudevent, Format.CEF: cef}[kind]
    signer = key()
    return lambda one: event_token(one, signer, clock.wall_us() // 1_000_000)


def records(published: Published, since: int) -> Iterator[Record]:
    """From index `since`, or the first that was not pruned, to the newest checkpoint. Raises `NotFound` before that."""
    since = max(since, published.minimum())
    last = published.last()
    if last is None:
        raise NotFound("There is no checkpoint yet; start the ledger once.")
    for n in range(since // WIDTH, -(-last.size // WIDTH)):
        tile = Tile(ENTRIES, n, min(WIDTH, last.size - n * WIDTH))
        for at, body in enumerate(unbundle(published.tile(tile)), n * WIDTH):
            if at >= since:
                yield record(last.origin, at, body)
