"""How identity keeps what others must not read even with a copy of the database."""

from grantline.crypto.sealing import Sealer
from grantline.identity.methods.store import TotpRow
from grantline.model.ids import PersonId, Randomness


class SecretsAtRest:
    """Sealers for each kind of secret, all under one root key of 32 bytes that custody keeps."""

    def __init__(self, root: bytes, randomness: Randomness) -> None:
        self._totp = Sealer(root, "totp", randomness)
        self.recovery = Sealer(root, "recovery", randomness)

    def seal_totp(self, person: PersonId, secret: str) -> bytes:
        """A base32 secret as it is kept."""
        return self._totp.seal(secret.encode(), person)

    def open_totp(self, row: TotpRow) -> str:
        """The base32 secret."""
        return self.unseal_totp(row.person, row.sealed)

    def unseal_totp(self, person: PersonId, sealed: bytes) -> str:
        """The base32 secret of a row that is not in use yet."""
        return self._totp.open(sealed, person).decode()
