"""The keys of this instance where they live: custodies, and what an earlier release left."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization

from grantline.app.places import Places
from grantline.app.root_key import secret_in
from grantline.authorization.keys import Changes, KeyRow, KeySettings, Overtaken, Terms
from grantline.crypto.custody.backend import Custody
from grantline.crypto.custody.file import read_private
from grantline.crypto.custody.root import RootKey
from grantline.crypto.custody.sealed_files import SealedFiles
from grantline.model.errors import InvalidConfiguration
from grantline.model.ports import Work
from grantline.settings import Settings
from grantline.storage.sql.transaction import SqlTransaction

DAY_S = 86_400


def open_custodies(settings: KeySettings, places: Places, root: RootKey) -> tuple[Custody, ...]:
    """Where private keys are, first the one in which new ones are made. Raises `InvalidConfiguration`."""
    files = SealedFiles(places.signing_keys, root)
    if settings.pkcs11_module is None:
        if settings.custody == "pkcs11":
            raise InvalidConfiguration("$.keys.pkcs11_module: name the device's PKCS#11 library")
        return (files,)
    token = _token(settings, settings.pkcs11_module)
    return (token, files) if settings.custody == "pkcs11" else (files, token)


def terms_of(settings: Settings) -> Terms:
    """How long each step of a key's life takes under these settings."""
    own, tokens = settings.keys, settings.authorization
    return Terms(
        algorithms=tuple(dict.fromkeys(("ES256", *own.algorithms))),
        rotate_every=round(own.rotate_every_days * DAY_S),
        jwks_max_age=tokens.jwks_max_age,
        # Requests wait no longer than that for their answer, and answers are signed too.
        longest_token=max(tokens.access_lifetime, tokens.id_token_lifetime, tokens.request_lifetime),
    )


async def take_over(work: Work[SqlTransaction], places: Places, root: RootKey, changes: Changes) -> None:
    """The one key file of earlier releases becomes a sealed one, and goes on signing."""
    if not places.token_key.exists():
        return
    pkcs8 = serialization.load_pem_private_key(read_private(places.token_key), None).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files = SealedFiles(places.signing_keys, root)
    key = files.keep(pkcs8, "ES256")
    try:
        await work.write(lambda tx: changes.introduce(tx, key, files.name))
    except Overtaken:
        rows: tuple[KeyRow, ...] = await work.read(lambda tx: tx.signing_keys.all())
        if key.public.kid not in {row.kid for row in rows}:
            raise InvalidConfiguration(f"{places.token_key} is not a key of this instance; remove it") from None
    places.token_key.unlink()


def _token(settings: KeySettings, module: Path) -> Custody:
    try:
        from grantline.crypto.custody.pkcs11 import Pkcs11
    except ImportError as error:
        raise InvalidConfiguration("$.keys: PKCS#11 needs python-pkcs11: pip install 'grantline[pkcs11]'") from error
    if settings.pkcs11_pin_file is None:
        raise InvalidConfiguration("$.keys.pkcs11_pin_file: name the file with the token's PIN")
    pin = secret_in(settings.pkcs11_pin_file, "keys.pkcs11_pin_file").decode()
    return Pkcs11(module, settings.pkcs11_token, pin)
