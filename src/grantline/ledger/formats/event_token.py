"""Security Event Tokens (RFC 8417): each entry as a JWT that its receiver can check by itself."""

import orjson

from grantline.crypto.es256 import SigningKey
from grantline.ledger.formats.record import Record

TYP = "secevent+jwt"
EVENTS = "urn:grantline:event:"


def event_token(record: Record, key: SigningKey, now_s: int) -> bytes:
    """A compact JWS (ES256). `iss` is the log, `jti` the event, `txn` the trace; `toe` is when it happened."""
    leaf = record.leaf
    claims = {
        "iss": f"https://{record.origin}",
        "jti": leaf["id"],
        "iat": now_s,
        "toe": leaf["t"] // 1_000_000,
        **({"txn": leaf["tr"]} if "tr" in leaf else {}),
        "events": {f"{EVENTS}{leaf['type']}": leaf},
        "log": {"origin": record.origin, "index": record.index, "leaf": record.hash},
    }
    return key.sign_jws(orjson.dumps(claims), TYP).encode()
