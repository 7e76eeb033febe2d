"""What a gateway gets of a version: the items of its own APIs, signed by the authority, and nothing of the person."""

from collections.abc import Collection

import msgspec

from grantline.consent.store import Transaction
from grantline.crypto import jcs
from grantline.crypto.es256 import InvalidJws, KeyFinder, verify_jws
from grantline.crypto.signing import SigningKey
from grantline.model.consent import EnforcedVersion, State, Version
from grantline.model.ids import ApiId, ConsentId

TYPE = "grantline-version+jwt"


async def enforced(
    tx: Transaction, *, consent: ConsentId, version: int, apis: Collection[ApiId]
) -> EnforcedVersion | None:
    """The unsigned part of this version for a gateway before these APIs.

    None when there is no such version, or when nothing of it is about these APIs: a gateway may not tell the two
    apart. Ended consents are answered too, because a version never changes: whether it stands is the feed's to say.
    """
    state = await tx.consents.get(consent)
    found = await tx.consents.version(consent, version)
    return None if state is None or found is None else cut(found, state, apis)


def cut(version: Version, state: State, apis: Collection[ApiId]) -> EnforcedVersion | None:
    """The part of `version` about these APIs; None when there is none."""
    items = tuple(item for item in version.granted if item.api in apis)
    if not items:
        return None
    return EnforcedVersion(
        consent_id=version.consent_id,
        version=version.version,
        content_hash=version.content_hash,
        client=version.client,
        subject=version.subject,
        items=items,
        not_before=version.not_before,
        expires_at=version.expires_at,
        confirmed_at=state.confirmed_at,
        confirm_every_days=version.confirm_every_days,
        resource_subjects=tuple((api, name) for api, name in version.resource_subjects if api in apis),
        lineage=version.lineage,
        agent=version.agent,
    )


def sign(version: EnforcedVersion, key: SigningKey) -> EnforcedVersion:
    """The same with the authority's signature over it (compact JWS, ES256)."""
    return msgspec.structs.replace(version, signature=key.sign_jws(_signed_part(version), TYPE))


def verify(version: EnforcedVersion, find: KeyFinder) -> EnforcedVersion:
    """The version, if its signature is the authority's and over exactly this content; raises `InvalidJws`."""
    if verify_jws(version.signature, find, TYPE) != _signed_part(version):
        raise InvalidJws("the signature is over another version")
    return version


def _signed_part(version: EnforcedVersion) -> bytes:
    return jcs.canonical(msgspec.structs.replace(version, signature=""))
