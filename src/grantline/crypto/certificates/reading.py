"""From the bytes of a certificate to what it says, and to the name by which tokens are bound to it."""

import hashlib
import re
from base64 import b64decode
from functools import lru_cache

from cryptography import x509

from grantline.crypto.encoding import b64url

MAX_BYTES = 16_384
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


class CertificateInvalid(ValueError):
    """Not a certificate, or not one that says what it has to. For the operator's log, never for the caller."""


def thumbprint(der: bytes) -> str:
    """The `x5t#S256` of a certificate: SHA-256 of its DER in base64url (RFC 8705 §3.1)."""
    return b64url(hashlib.sha256(der).digest())


def from_pem(text: str) -> bytes:
    """The DER of one PEM block, with nothing before or after it. Raises `CertificateInvalid`."""
    # The standard library's reader takes two blocks for one and skips letters that are not base64.
    block = _PEM.fullmatch(text.strip()) if len(text) < 2 * MAX_BYTES else None
    if block is None:
        raise CertificateInvalid("not one certificate in PEM")
    try:
        der = b64decode("".join(block[1].split()), validate=True)
    except ValueError as error:
        raise CertificateInvalid("not one certificate in PEM") from error
    if len(der) > MAX_BYTES:
        raise CertificateInvalid("the certificate is too large")
    return der


@lru_cache(maxsize=1_024)
def read_certificate(der: bytes) -> x509.Certificate:
    """The certificate with all its extensions readable, each once. Raises `CertificateInvalid`."""
    if len(der) > MAX_BYTES:
        raise CertificateInvalid("the certificate is too large")
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.extensions  # noqa: B018 - parsed on first use; what cannot be parsed must not be used later
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise CertificateInvalid(f"not a certificate: {error}") from error
    return certificate
