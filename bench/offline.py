"""Checks a receipt against the ledger with nothing but files and two public keys; exit 1 if it does not stand.

    python -m bench.offline FOLDER

FOLDER holds `receipt.json` (as the portal sends it), `event.tlog-proof`, `event.entry` and `event.disclosures.json` (as
`grantline ledger prove --disclose detail` writes them), `jwks.json` of the authority and `log.vkey`.
"""

import json
import sys
from pathlib import Path

import msgspec

from grantline.crypto import jcs
from grantline.crypto.es256 import PublicKey, verify_jws
from grantline.ledger.prove import Disclosure, check_disclosure, check_proof

RECEIPT_TYPE = "grantline-receipt+jwt"


def stands(folder: Path) -> bool:
    """The authority signed the receipt, the log holds the consent, and the entry was made for what the receipt says."""
    told = json.loads((folder / "receipt.json").read_text())
    published = json.loads((folder / "jwks.json").read_text())["keys"]
    keys = {jwk["kid"]: PublicKey.from_jwk(jwk) for jwk in published if jwk["alg"] == "ES256"}
    body = (folder / "event.entry").read_bytes()
    (detail,) = msgspec.json.decode((folder / "event.disclosures.json").read_bytes(), type=list[Disclosure])
    check_proof((folder / "event.tlog-proof").read_text(), body, (folder / "log.vkey").read_text().strip())
    return (
        verify_jws(told["jws"], keys.get, RECEIPT_TYPE) == jcs.canonical(told["receipt"])
        and check_disclosure(body, detail)
        and detail.value["content_hash"] == told["receipt"]["record"]["content_hash"]
    )


if __name__ == "__main__":
    sys.exit(0 if stands(Path(sys.argv[1])) else 1)
