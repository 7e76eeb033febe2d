"""What a server needs to know for clients that prove themselves with certificates (RFC 8705)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509

from grantline.authorization.http import Request
from grantline.crypto.certificates import Authorities, read_certificate


@dataclass(frozen=True, slots=True)
class Mtls:
    """`base`: URL of the door that asks for certificates. `authorities`: of `tls_client_auth` (None: not served).

    `trust_domains`: authorities of each SPIFFE trust domain by its name; one never vouches for another's workloads.
    """

    base: str
    authorities: Authorities | None = None
    trust_domains: Mapping[str, Authorities] = field(default_factory=dict)


def certificate_of(request: Request) -> x509.Certificate | None:
    """The client's certificate, if it showed one."""
    return read_certificate(request.certificates[0]) if request.certificates else None


def sent_along(request: Request) -> tuple[x509.Certificate, ...]:
    """Further certificates that it sent, which may lead to an authority."""
    return tuple(read_certificate(der) for der in request.certificates[1:])
