"""ArcSight Common Event Format (CEF:0): one line, whose values can neither end it nor begin another field."""

from grantline.ledger.formats.record import Record

_SEVERITY = {"permit": 3, "deny": 5, "error": 8}
_EXTENSION = {
    "externalId": "id", "rt": "t", "act": "act", "outcome": "out", "reason": "rsn", "suid": "pa", "duid": "ps",
    "sourceServiceName": "client", "deviceExternalId": "prod", "cs1": "cns", "cs2": "pur", "cs3": "tr", "cs4": "jtih",
    "cn2": "cv",
}  # fmt: skip
_LABELS = {
    "cs1Label": "consent", "cs2Label": "purpose", "cs3Label": "trace", "cs4Label": "token", "cs5Label": "leafHash",
    "cn1Label": "index", "cn2Label": "consentVersion",
}  # fmt: skip


def cef(record: Record) -> bytes:
    """Header and extension; labels only of custom fields that are there."""
    leaf = record.leaf
    head = ("CEF:0", "Grantline", "Grantline", record.version, record.code, f"{leaf['act']} {leaf['res']}")
    values = {name: leaf[member] for name, member in _EXTENSION.items() if leaf.get(member) is not None}
    values |= {"rt": leaf["t"] // 1_000, "cs5": record.hash, "cn1": record.index}
    values |= {label: name for label, name in _LABELS.items() if label.removesuffix("Label") in values}
    extension = " ".join(f"{name}={_value(str(value))}" for name, value in sorted(values.items()))
    severity = str(_SEVERITY.get(leaf["out"], 5))
    return "|".join((*(_header(part) for part in head), severity, extension)).encode()


def _header(text: str) -> str:
    return _plain(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    return _plain(text).replace("\\", "\\\\").replace("=", "\\=")


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
