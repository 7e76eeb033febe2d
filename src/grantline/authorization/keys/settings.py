"""Signing keys: which, how long, and where their private halves live."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grantline.model.setting import setting

Algorithm = Literal["ES256", "PS256", "EdDSA", "RS256"]


@dataclass(frozen=True, slots=True)
class KeySettings:
    """What no setting names is never made: RS256 is there for profiles that know nothing else."""

    algorithms: tuple[Algorithm, ...] = setting(
        ("ES256", "PS256", "EdDSA"),
        help="Algorithms to keep a signing key for. ES256 is always there. RS256 only where a profile demands it.",
    )
    rotate_every_days: float = setting(90, help="Days after which a signing key gives way to a new one.")
    custody: Literal["file", "pkcs11"] = setting(
        "file", help="Where new private keys are kept: sealed files of the data directory, or a PKCS#11 token."
    )
    passphrase_file: Path | None = setting(
        None,
        help="File with the passphrase that wraps the root key: readable by its owner alone, or a systemd credential.",
    )
    pkcs11_module: Path | None = setting(None, help="The device's PKCS#11 library.")
    pkcs11_token: str = setting("grantline", help="Label of the token that holds the keys.")
    pkcs11_pin_file: Path | None = setting(None, help="File with the token's PIN; readable by its owner alone.")
