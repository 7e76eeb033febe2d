"""X.509 certificates of clients: what they say, whom they come from. Knows nothing of who is registered."""

from grantline.crypto.certificates.chains import Authorities
from grantline.crypto.certificates.names import (
    is_spiffe_id,
    read_distinguished_name,
    spiffe_id,
    subject_alternatives,
    trust_domain,
)
from grantline.crypto.certificates.reading import CertificateInvalid, from_pem, read_certificate, thumbprint

__all__ = [
    "Authorities",
    "CertificateInvalid",
    "from_pem",
    "is_spiffe_id",
    "read_certificate",
    "read_distinguished_name",
    "spiffe_id",
    "subject_alternatives",
    "thumbprint",
    "trust_domain",
]
