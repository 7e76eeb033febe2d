"""Whom a client's certificate comes from: a path to one of the authorities that the operator named (RFC 5280 §6)."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from grantline.crypto.certificates.reading import CertificateInvalid

_DEEPEST = 4
_ANY = Criticality.AGNOSTIC


class Authorities:
    """Certificates that client certificates may come from. Each one that is named is trusted by itself."""

    def __init__(self, certificates: list[x509.Certificate]) -> None:
        if not certificates:
            raise CertificateInvalid("no certificate of an authority")
        self.certificates = tuple(certificates)
        self._store = Store(certificates)

    @classmethod
    def of(cls, pem: bytes) -> "Authorities":
        """Those of a PEM bundle. Raises `CertificateInvalid`."""
        try:
            return cls(x509.load_pem_x509_certificates(pem))
        except ValueError as error:
            raise CertificateInvalid(f"not a bundle of certificates: {error}") from error

    @property
    def pem(self) -> str:
        """All of them, for whoever else has to know them."""
        return "".join(one.public_bytes(Encoding.PEM).decode() for one in self.certificates)

    def require(self, certificate: x509.Certificate, others: tuple[x509.Certificate, ...], now: int) -> None:
        """Raise `CertificateInvalid` unless a path leads to one of ours at `now` (unix seconds).

        `others`: certificates that came along; they only help to find the path.
        """
        builder = PolicyBuilder().store(self._store).time(datetime.fromtimestamp(now, UTC)).max_chain_depth(_DEEPEST)
        verifier = builder.extension_policies(ca_policy=_AUTHORITY, ee_policy=_CLIENT).build_client_verifier()
        try:
            verifier.verify(certificate, list(others))
        except (VerificationError, ValueError) as error:
            raise CertificateInvalid(f"no path to an authority: {error}") from error


def require_in_time(certificate: x509.Certificate, now: int) -> None:
    """Raise `CertificateInvalid` unless it is valid at `now` (unix seconds)."""
    moment = datetime.fromtimestamp(now, UTC)
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        raise CertificateInvalid("expired, or not valid yet")


def _may_sign(_policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("not made for signing certificates")


def _may_be_a_client(_policy: Policy, _certificate: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
    allowed = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if usage is not None and not allowed & set(usage):
        raise ValueError("not made for clients")


# The rules of the public web, less what private authorities commonly leave out: key identifiers, alternative names,
# and the key usage of an authority. What is there has to fit.
_AUTHORITY = (
    ExtensionPolicy.webpki_defaults_ca()
    .may_be_present(x509.KeyUsage, _ANY, _may_sign)
    .may_be_present(x509.AuthorityKeyIdentifier, _ANY, None)
    .may_be_present(x509.SubjectKeyIdentifier, _ANY, None)
)
_CLIENT = (
    ExtensionPolicy.webpki_defaults_ee()
    .may_be_present(x509.SubjectAlternativeName, _ANY, None)
    .may_be_present(x509.AuthorityKeyIdentifier, _ANY, None)
    .may_be_present(x509.ExtendedKeyUsage, _ANY, _may_be_a_client)
)
