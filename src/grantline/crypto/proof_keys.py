"""Public keys that arrive inside a proof: P-256 by our own path, Ed25519 and RSA-PSS through joserfc."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from grantline.crypto.es256 import PublicKey

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_Key = TypeVar("_Key", OKPKey, RSAKey)
_MIN_RSA_BITS, _MAX_RSA_BITS = 2_048, 4_096


class ProofKey(Protocol):
    """A key that can check a signature and has a thumbprint (RFC 7638)."""

    @property
    def thumbprint(self) -> str:
        """SHA-256, base64url."""
        ...

    def verify(self, message: bytes, signature: bytes) -> bool:
        """True if the JWS signature is this key's over `message`."""
        ...


class _General:
    """Any key joserfc knows, with the one algorithm it is used for."""

    def __init__(self, algorithm: str, key: OKPKey | RSAKey) -> None:
        self._algorithm = JWSRegistry.algorithms[algorithm]
        self._key = key
        self.thumbprint = key.thumbprint()

    def verify(self, message: bytes, signature: bytes) -> bool:
        """True if the signature holds; any error of the library counts as no."""
        try:
            return bool(self._algorithm.verify(message, signature, self._key))
        except (JoseError, ValueError):
            return False


def read_proof_key(algorithm: str, jwk: Mapping[str, Any]) -> ProofKey:
    """The public key of a JWK for this algorithm; a private, weak or unfitting one is a ValueError."""
    if not _PRIVATE.isdisjoint(jwk):
        raise ValueError("the jwk holds private or symmetric members")
    match algorithm, jwk.get("kty"):
        case "ES256", "EC":
            return PublicKey.from_jwk(jwk)
        case "EdDSA", "OKP" if jwk.get("crv") == "Ed25519":
            return _General(algorithm, _import(OKPKey, jwk))
        case "PS256", "RSA":
            key = _import(RSAKey, jwk)
            if not _MIN_RSA_BITS <= key.public_key.key_size <= _MAX_RSA_BITS:
                raise ValueError("RSA keys must have 2048 to 4096 bits")
            return _General(algorithm, key)
        case _:
            raise ValueError("the key does not fit the algorithm")


def _import(kind: type[_Key], jwk: Mapping[str, Any]) -> _Key:
    try:
        return kind.import_key({name: value for name, value in jwk.items() if isinstance(value, str)})
    except (JoseError, TypeError, KeyError) as error:
        raise ValueError("not a readable key") from error
