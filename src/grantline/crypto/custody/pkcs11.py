"""Custody in a device that speaks PKCS#11 (OASIS, v2.40 and v3): private halves are made there and never leave it.

Needs the extra `pkcs11` (python-pkcs11). The device is named by its module, its token's label and a file with the PIN.
"""

import hashlib
import threading
from pathlib import Path
from typing import Any

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pkcs11 import MGF, Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import PKCS11Error, UserAlreadyLoggedIn
from pkcs11.util.ec import encode_named_curve_parameters

from grantline.crypto.custody.backend import KeyUnavailable
from grantline.crypto.encoding import unb64url
from grantline.crypto.private_keys import RSA_BITS
from grantline.crypto.public_keys import public_key
from grantline.crypto.signing import PublicKey, Signer, SigningKey
from grantline.model.errors import InvalidConfiguration

LABEL = "grantline signing key"
ED25519 = "1.3.101.112"
_KINDS = {"ES256": KeyType.EC, "EdDSA": KeyType.EC_EDWARDS, "PS256": KeyType.RSA, "RS256": KeyType.RSA}
_PSS = (Mechanism.SHA256, MGF.SHA256, 32)
_CURVES = {
    "ES256": ("secp256r1", Mechanism.EC_KEY_PAIR_GEN),
    "EdDSA": (ED25519, Mechanism.EC_EDWARDS_KEY_PAIR_GEN),
}


class Pkcs11:
    """Signing keys in one token. A session belongs to one thread at a time, so calls wait for each other."""

    name = "pkcs11"

    def __init__(self, module: Path, token: str, pin: str) -> None:
        self._lock = threading.Lock()
        try:
            self._session = _logged_in(pkcs11.lib(str(module)).get_token(token_label=token), pin)
        except (PKCS11Error, OSError, RuntimeError) as error:
            raise InvalidConfiguration(
                f"$.keys: the token {token!r} of {module} does not open: {type(error).__name__}", detail=str(error)
            ) from error

    def create(self, alg: str) -> SigningKey:
        """A new pair in the token, named by its thumbprint, not extractable."""
        with self._lock:
            public, private = self._generate(alg)
            found = _public(public, alg)
            for half in (public, private):
                half[Attribute.ID] = unb64url(found.kid)
        return self._signer(found, private)

    def open(self, kid: str, alg: str) -> SigningKey:
        """The pair of this name; raises `KeyUnavailable`."""
        try:
            with self._lock:
                private = self._session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=unb64url(kid))
                public = self._session.get_key(object_class=ObjectClass.PUBLIC_KEY, id=unb64url(kid))
                return self._signer(_public(public, alg), private)
        except (PKCS11Error, ValueError) as error:
            detail = f"{type(error).__name__}: {error}"
            raise KeyUnavailable(f"The private half of key {kid} is not in the token.", detail=detail) from error

    def destroy(self, kid: str) -> None:
        """Remove both halves from the token."""
        with self._lock:
            for held in list(self._session.get_objects({Attribute.ID: unb64url(kid)})):
                held.destroy()

    def close(self) -> None:
        """Let the session go."""
        with self._lock:
            self._session.close()

    def _generate(self, alg: str) -> tuple[Any, Any]:
        if alg in ("PS256", "RS256"):
            public, private = self._session.generate_keypair(KeyType.RSA, RSA_BITS, store=True, label=LABEL)
            return public, private
        curve, mechanism = _CURVES[alg]
        named = {Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}
        parameters = self._session.create_domain_parameters(_KINDS[alg], named, local=True)
        public, private = parameters.generate_keypair(mechanism=mechanism, store=True, label=LABEL)
        return public, private

    def _signer(self, public: PublicKey, private: Any) -> SigningKey:
        def sign(message: bytes) -> bytes:
            with self._lock:
                match public.alg:
                    case "ES256":
                        return bytes(private.sign(hashlib.sha256(message).digest(), mechanism=Mechanism.ECDSA))
                    case "EdDSA":
                        return bytes(private.sign(message, mechanism=Mechanism.EDDSA))
                    case "PS256":
                        mechanism = Mechanism.SHA256_RSA_PKCS_PSS
                        return bytes(private.sign(message, mechanism=mechanism, mechanism_param=_PSS))
                    case _:
                        return bytes(private.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS))

        return Signer(public, sign)


def _logged_in(token: Any, pin: str) -> Any:
    """A session. Logging in is the whole process's, so a second one finds it done (PKCS#11 v2.40 §5.6)."""
    try:
        return token.open(rw=True, user_pin=pin)
    except UserAlreadyLoggedIn:
        return token.open(rw=True)


def _public(held: Any, alg: str) -> PublicKey:
    """The public half as everybody else knows it; its name is its thumbprint. ValueError if it is of another kind."""
    if held.key_type is not _KINDS[alg]:
        raise ValueError(f"the key does not fit {alg}")
    # Points stand in a DER OCTET STRING (PKCS#11 v3.0 §2.3.5), which some devices leave away: the end is the point.
    match alg:
        case "EdDSA":
            raw = ed25519.Ed25519PublicKey.from_public_bytes(bytes(held[Attribute.EC_POINT])[-32:])
            return public_key(raw, alg)
        case "ES256":
            point = bytes(held[Attribute.EC_POINT])[-65:]
            return public_key(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point), alg)
        case _:
            n, e = (int.from_bytes(held[part], "big") for part in (Attribute.MODULUS, Attribute.PUBLIC_EXPONENT))
            return public_key(rsa.RSAPublicNumbers(e, n).public_key(), alg)
