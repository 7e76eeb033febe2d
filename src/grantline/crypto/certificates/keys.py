"""Certificates and JWKs: the key of one, the certificate that stands in the other (RFC 7517 §4.7)."""

import hashlib
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from grantline.crypto.certificates.reading import CertificateInvalid, read_certificate
from grantline.crypto.encoding import b64url
from grantline.crypto.public_keys import public_key

_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}


def key_thumbprint(certificate: x509.Certificate) -> str:
    """The RFC 7638 thumbprint of the certificate's key: P-256, Ed25519 or RSA. Raises `CertificateInvalid`."""
    try:
        match key := certificate.public_key():
            case ec.EllipticCurvePublicKey():
                return public_key(key, "ES256").thumbprint
            case ed25519.Ed25519PublicKey():
                return public_key(key, "EdDSA").thumbprint
            case rsa.RSAPublicKey():
                return public_key(key, "PS256").thumbprint
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateInvalid(f"a key that is not accepted: {error}") from error
    raise CertificateInvalid("a kind of key that is not accepted")


def jwk_thumbprint(jwk: Mapping[str, Any]) -> str:
    """The RFC 7638 thumbprint of a public JWK. Raises `CertificateInvalid`."""
    members = {name: jwk.get(name) for name in _MEMBERS.get(str(jwk.get("kty")), ())}
    if not members or not all(isinstance(value, str) for value in members.values()):
        raise CertificateInvalid("not a public JWK")
    return b64url(hashlib.sha256(orjson.dumps(members, option=orjson.OPT_SORT_KEYS)).digest())


def registered_certificate(jwk: Mapping[str, Any]) -> bytes | None:
    """The DER of the certificate in `x5c`; None if there is none. Raises `CertificateInvalid` for one that cannot be
    read or is of another key.
    """
    if "x5c" not in jwk:
        return None
    try:
        der = b64decode(jwk["x5c"][0], validate=True)
    except (ValueError, TypeError, LookupError) as error:
        raise CertificateInvalid("x5c is not a list that begins with a certificate") from error
    if key_thumbprint(read_certificate(der)) != jwk_thumbprint(jwk):
        raise CertificateInvalid("x5c holds a certificate of another key")
    return der
