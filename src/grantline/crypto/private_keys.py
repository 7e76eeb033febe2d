"""Signing keys that live in this process: made, written as PKCS#8 and read back. Custody decides where that goes."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from grantline.crypto import es256
from grantline.crypto.public_keys import PADDING, SHA256, public_key
from grantline.crypto.signing import Signer, SigningKey

RSA_BITS = 3_072
"""What new RSA keys have; 2,048 is the least that is read (NIST SP 800-57: 3,072 beyond 2030)."""
_Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def generate(alg: str) -> bytes:
    """A new private key for this algorithm as PKCS#8 DER, from the system's randomness."""
    key: _Private
    match alg:
        case "ES256":
            key = ec.generate_private_key(ec.SECP256R1())
        case "EdDSA":
            key = ed25519.Ed25519PrivateKey.generate()
        case "PS256" | "RS256":
            key = rsa.generate_private_key(65_537, RSA_BITS)
        case _:
            raise ValueError(f"no keys for {alg}")
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def read(pkcs8: bytes, alg: str) -> SigningKey:
    """The signing key of a PKCS#8 DER; ValueError if it is of another kind than the algorithm needs, or too weak."""
    return signing_key(serialization.load_der_private_key(pkcs8, None), alg)


def signing_key(key: object, alg: str) -> SigningKey:
    """A private key of `cryptography` for one algorithm; ValueError if it does not fit."""
    match alg, key:
        case "ES256", ec.EllipticCurvePrivateKey() if isinstance(key.curve, ec.SECP256R1):
            return es256.SigningKey(key)
        case "EdDSA", ed25519.Ed25519PrivateKey():
            return Signer(public_key(key.public_key(), alg), key.sign)
        case "PS256" | "RS256", rsa.RSAPrivateKey():
            scheme = PADDING[alg]
            return Signer(public_key(key.public_key(), alg), lambda message: key.sign(message, scheme, SHA256))
    raise ValueError(f"the key does not fit {alg}")
