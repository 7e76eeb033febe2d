"""The authority's signature over an enforced version, so that a gateway trusts the content and not the channel."""

from msgspec.structs import replace

from grantline.crypto.es256 import InvalidJws, KeyFinder, open_jws
from grantline.crypto.jcs import canonical
from grantline.crypto.signing import SigningKey
from grantline.model.consent import EnforcedVersion

TYP = "grantline-version+jwt"


def sign_version(version: EnforcedVersion, key: SigningKey) -> EnforcedVersion:
    """The same version with its signature: a compact JWS whose payload is the JCS form without signature."""
    bare = replace(version, signature="")
    return replace(bare, signature=key.sign_jws(canonical(bare), TYP))


def verify_version(version: EnforcedVersion, find: KeyFinder) -> str:
    """The kid of the signature's key; raises `InvalidJws` unless it is one of these, over exactly this content."""
    opened = open_jws(version.signature, find, TYP)
    if opened.payload != canonical(replace(version, signature="")):
        raise InvalidJws("the signature is over another version")
    return opened.kid
