"""CloudEvents 1.0 in its JSON form: the entry is the data, its place the sequence."""

from typing import Any

import orjson

from grantline.ledger.formats.record import Record
from grantline.model.clock import iso


def cloudevent(record: Record) -> bytes:
    """`type` is `grantline.<code>.v<version>`; `sequence` sorts as text; `leafhash` is hex."""
    leaf = record.leaf
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": leaf["id"],
        "source": f"//{record.origin}",
        "type": f"grantline.{record.code}.v{record.version}",
        "time": iso(leaf["t"]),
        "datacontenttype": "application/json",
        "sequence": f"{record.index:020d}",
        "leafhash": record.hash,
        "data": leaf,
    }
    if (subject := leaf.get("cns") or leaf.get("ps")) is not None:
        event["subject"] = subject
    if leaf.get("tr") and leaf.get("sp"):
        event["traceparent"] = f"00-{leaf['tr']}-{leaf['sp']}-00"
    return orjson.dumps(event)
