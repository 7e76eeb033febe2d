"""Batches over HTTP: lines to any collector, or OpenTelemetry's logs (OTLP/HTTP in JSON)."""

import ssl
from collections.abc import Callable, Sequence
from typing import Any

import httpx2
import orjson
import structlog

from grantline.ledger.formats.reading import Form
from grantline.ledger.formats.record import Record
from grantline.ledger.sinks.follower import SinkFailed

TIMEOUT_S = 20.0
_SEVERITY = {"permit": (9, "INFO"), "deny": (13, "WARN"), "error": (17, "ERROR")}
_log = structlog.get_logger(__name__)
Write = Callable[[Sequence[Record]], bytes]


class HttpSink:
    """POSTs each batch; any 2xx has taken it. `token`: read for each request, so that it may be changed."""

    def __init__(
        self, url: str, trust: ssl.SSLContext, write: Write, content_type: str, token: Callable[[], str | None]
    ) -> None:
        self._url, self._write, self._type, self._token = url, write, content_type, token
        self._http = httpx2.AsyncClient(verify=trust, timeout=TIMEOUT_S, trust_env=False)

    async def send(self, batch: Sequence[Record]) -> None:
        """`Idempotency-Key` names the stretch of the log: a batch that comes again is the same bytes."""
        first, last = batch[0], batch[-1]
        headers = {"content-type": self._type, "idempotency-key": f'"{first.origin}/{first.index}-{last.index}"'}
        try:
            if token := self._token():
                headers["authorization"] = f"Bearer {token}"
            answer = await self._http.post(self._url, content=self._write(batch), headers=headers)
        except (httpx2.HTTPError, OSError) as error:
            raise SinkFailed(f"{self._url}: {error!r}") from error
        if not answer.is_success:
            raise SinkFailed(f"{self._url}: answered {answer.status_code}")
        if b"rejectedLogRecords" in answer.content:
            _log.error("sink_rejected", url=self._url, answer=answer.text[:500], first=first.index, last=last.index)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def lines(form: Form) -> Write:
    """One record a line."""
    return lambda batch: b"".join(form(each) + b"\n" for each in batch)


def otlp(batch: Sequence[Record]) -> bytes:
    """An `ExportLogsServiceRequest`: the entry is the body, its members of note are attributes."""
    return orjson.dumps(
        {
            "resourceLogs": [
                {
                    "resource": {"attributes": [_attribute("service.name", "grantline")]},
                    "scopeLogs": [
                        {
                            "scope": {"name": "grantline.ledger", "attributes": [_attribute("log", batch[0].origin)]},
                            "logRecords": [_log_record(each) for each in batch],
                        }
                    ],
                }
            ]
        }
    )


def _log_record(record: Record) -> dict[str, Any]:
    leaf = record.leaf
    number, text = _SEVERITY.get(leaf["out"], (9, "INFO"))
    told = {
        "event.id": leaf["id"], "grantline.log.index": record.index, "grantline.log.leaf": record.hash,
        **{f"grantline.{name}": value for name, value in record.delegation.items()},
    }  # fmt: skip
    return {
        "timeUnixNano": str(leaf["t"] * 1_000),
        "observedTimeUnixNano": str(leaf["tc"] * 1_000),
        "severityNumber": number,
        "severityText": text,
        "eventName": leaf["type"],
        "body": {"stringValue": orjson.dumps(leaf).decode()},
        "attributes": [_attribute(name, value) for name, value in told.items()],
        **({"traceId": leaf["tr"]} if "tr" in leaf else {}),
        **({"spanId": leaf["sp"]} if "sp" in leaf else {}),
    }


def _attribute(name: str, value: object) -> dict[str, Any]:
    kind = {"intValue": str(value)} if isinstance(value, int) else {"stringValue": str(value)}
    return {"key": name, "value": kind}
