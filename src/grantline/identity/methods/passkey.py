"""A passkey (WebAuthn Level 3): a key of the person's device that signs for this address alone, so it resists phishing.

Every passkey here verifies its user and can be found without a user name: each may be the only way in.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from grantline.identity.levels import BY_PASSKEY
from grantline.identity.methods.store import PasskeyRow
from grantline.model.errors import InvalidRequest
from grantline.model.ids import PersonId

METHOD = "passkey"
PROOF = BY_PASSKEY
CHALLENGE_BYTES = 32
LARGEST = 12_288
LONGEST_ID = 1_400
TIMEOUT_MS = 300_000


@dataclass(frozen=True, slots=True)
class Place:
    """To whom passkeys belong: the issuer's host (`rp_id`), its origin, and the name that a device shows."""

    rp_id: str
    origin: str
    name: str

    @classmethod
    def of(cls, issuer: str, name: str) -> "Place":
        """The place of an issuer's address."""
        parts = urlsplit(issuer)
        return cls(parts.hostname or "", f"{parts.scheme}://{parts.netloc}", name)


@dataclass(frozen=True, slots=True)
class Made:
    """A new passkey as its device made it."""

    id: str
    public_key: bytes
    counter: int
    synced: bool


class Refused(Exception):
    """The answer proves nothing. `went_back`: only its count of signatures is wrong, as when a key was copied."""

    def __init__(self, why: str, *, went_back: bool = False) -> None:
        super().__init__(why)
        self.went_back = went_back


def options_to_make(
    place: Place, person: PersonId, names: tuple[str, str], known: Iterable[PasskeyRow], challenge: bytes
) -> str:
    """`PublicKeyCredentialCreationOptionsJSON`. `names`: to sign in with, and to read.

    `known`: the person's passkeys; their devices make no second one.
    """
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_registration_options(
        rp_id=place.rp_id,
        rp_name=place.name,
        user_id=user_handle(person),
        user_name=names[0],
        user_display_name=names[1],
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(known),
    )
    return webauthn.options_to_json(options)


def made(place: Place, credential: str, challenge: bytes) -> Made:
    """The passkey of a device's answer (`RegistrationResponseJSON`). Raises `InvalidRequest`."""
    import webauthn
    from webauthn.helpers import bytes_to_base64url
    from webauthn.helpers.structs import CredentialDeviceType

    try:
        done = webauthn.verify_registration_response(
            credential=_parsed(credential),
            expected_challenge=challenge,
            expected_rp_id=place.rp_id,
            expected_origin=place.origin,
            require_user_verification=True,
        )
    except Exception as error:
        # The library's parsers raise more kinds than its own on foreign bytes; none of them is a passkey.
        raise InvalidRequest("This passkey could not be added.", detail=f"{type(error).__name__}: {error}") from error
    name = bytes_to_base64url(done.credential_id)
    if len(name) > LONGEST_ID:
        raise InvalidRequest("This passkey could not be added.", detail="its id is too long")
    synced = done.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    return Made(name, done.credential_public_key, done.sign_count, synced)


def options_to_sign(place: Place, known: Iterable[PasskeyRow], challenge: bytes) -> str:
    """`PublicKeyCredentialRequestOptionsJSON`. `known`: one person's passkeys; none: whichever the device offers."""
    import webauthn
    from webauthn.helpers.structs import UserVerificationRequirement

    options = webauthn.generate_authentication_options(
        rp_id=place.rp_id,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def named_in(credential: str) -> str:
    """The credential id that an answer (`AuthenticationResponseJSON`) speaks of. Raises `Refused`."""
    try:
        name = _parsed(credential).get("id")
    except ValueError as error:
        raise Refused(str(error)) from error
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
        raise Refused("the answer names no passkey")
    return name


def counted(place: Place, credential: str, challenge: bytes, row: PasskeyRow) -> int:
    """Verify an answer against a passkey; its new count of signatures. Raises `Refused`."""
    import webauthn

    try:
        given = _parsed(credential)
        _require_same_user(given, row.person)
        # The count is compared last and by ourselves: only a right signature can tell that a key was copied.
        done = webauthn.verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=place.rp_id,
            expected_origin=place.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=-1,
            require_user_verification=True,
        )
    except Refused:
        raise
    except Exception as error:
        raise Refused(f"{type(error).__name__}: {error}") from error
    if (done.new_sign_count or row.counter) and done.new_sign_count <= row.counter:
        raise Refused(f"count {done.new_sign_count} after {row.counter}", went_back=True)
    return done.new_sign_count


def user_handle(person: PersonId) -> bytes:
    """What a device keeps as the account: says nothing of the person, and is no id of ours (WebAuthn §14.6.1)."""
    return hashlib.sha256(b"grantline passkey\0" + person.encode()).digest()


def _require_same_user(given: dict[str, Any], person: PersonId) -> None:
    from webauthn import base64url_to_bytes

    response = given.get("response")
    handle = response.get("userHandle") if isinstance(response, dict) else None
    if handle is not None and base64url_to_bytes(str(handle)) != user_handle(person):
        raise Refused("the passkey is of another account")


def _parsed(credential: str) -> dict[str, Any]:
    """The JSON of an answer; ValueError for anything else."""
    if len(credential) > LARGEST:
        raise ValueError("the answer is too large")
    parsed = orjson.loads(credential)
    if not isinstance(parsed, dict):
        raise ValueError("the answer is no object")
    return parsed


def _descriptors(known: Iterable[PasskeyRow]) -> list[Any]:
    from webauthn import base64url_to_bytes
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(row.id)) for row in known]
