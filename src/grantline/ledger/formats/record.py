"""One entry of the log, read: what every format is made of."""

from dataclasses import dataclass
from typing import Any

import orjson

from grantline.crypto.merkle import leaf_hash


@dataclass(frozen=True, slots=True)
class Record:
    """`leaf`: the entry's members; `hash`: its leaf hash, hex. `origin` and `index`: where it stands."""

    origin: str
    index: int
    leaf: dict[str, Any]
    hash: str

    @property
    def code(self) -> str:
        """The type without its version."""
        code, _, _ = str(self.leaf["type"]).partition("@")
        return code

    @property
    def version(self) -> str:
        """The version of its type."""
        _, _, version = str(self.leaf["type"]).partition("@")
        return version

    @property
    def delegation(self) -> dict[str, Any]:
        """On whose behalf, under which consent and for what: pseudonyms, not names."""
        told = {name: self.leaf.get(member) for name, member in _DELEGATION.items()}
        return {name: value for name, value in told.items() if value is not None}


_DELEGATION = {
    "subject": "ps", "actor": "pa", "client": "client", "consent": "cns", "consent_version": "cv", "purpose": "pur",
    "legal_basis": "lb", "policy": "pol", "token": "jtih",
}  # fmt: skip


def record(origin: str, index: int, body: bytes) -> Record:
    """Read an entry."""
    return Record(origin, index, orjson.loads(body), leaf_hash(body).hex())
