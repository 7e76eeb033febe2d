"""Authorities and certificates of clients, as tests need them: right ones and wrong ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from grantline.crypto.certificates import Authorities, thumbprint

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
Span = tuple[datetime, datetime]
LONG: Span = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))
PAST: Span = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC))
SIGNS, CERTIFIES = "digital_signature", "key_cert_sign"
_USES = (
    SIGNS, "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", CERTIFIES, "crl_sign",
    "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True)
class Held:
    """A certificate and its key, as their owner holds them. `chain`: issuers to send along."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: tuple["Held", ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def x5t(self) -> str:
        return thumbprint(self.der)

    @property
    def ders(self) -> tuple[bytes, ...]:
        return (self.der, *(one.der for one in self.chain))

    @property
    def authorities(self) -> Authorities:
        return Authorities([self.certificate])

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Files of the chain and of the key."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_text(self.pem + "".join(one.pem for one in self.chain))
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, key

    def issue(self, subject: str = "CN=app,O=Example", **said: object) -> "Held":
        """A certificate for somebody else."""
        return made(subject, by=self, **said)  # type: ignore[arg-type]


def made(
    subject: str, *, by: Held | None = None, key: ec.EllipticCurvePrivateKey | None = None, ca: bool = False,
    dns: Sequence[str] = (), uris: Sequence[str] = (), ips: Sequence[str] = (), emails: Sequence[str] = (),
    uses: Sequence[str] = (SIGNS,), purposes: Sequence[x509.ObjectIdentifier] = (CLIENT,), valid: Span = LONG,
) -> Held:  # fmt: skip
    """A certificate, signed by itself without `by`."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string(subject)
    issuer, signer = (name, key) if by is None else (by.certificate.subject, by.key)
    uses = (*uses, CERTIFIES) if ca else uses
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(x509.KeyUsage(**{use: use in uses for use in _USES}), critical=True)
    )
    others = [
        *map(x509.DNSName, dns), *map(x509.UniformResourceIdentifier, uris), *map(x509.RFC822Name, emails),
        *(x509.IPAddress(ip_address(one)) for one in ips),
    ]  # fmt: skip
    if others:
        builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
    if purposes and not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    chain = () if by is None or by.certificate.issuer == by.certificate.subject else (by, *by.chain)
    return Held(builder.sign(signer, hashes.SHA256()), key, chain)


def authority(name: str = "CN=Authority") -> Held:
    return made(name, ca=True)
