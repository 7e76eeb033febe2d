"""X.509 certificates of clients: what they say, whom they come from. Knows nothing of who is registered."""

from grantline.crypto.certificates.chains import Authorities, require_in_time
from grantline.crypto.certificates.keys import jwk_thumbprint, key_thumbprint, registered_certificate
from grantline.crypto.certificates.names import (
    canonical_ip,
    has_subject,
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
    "canonical_ip",
    "from_pem",
    "has_subject",
    "is_spiffe_id",
    "jwk_thumbprint",
    "key_thumbprint",
    "read_certificate",
    "read_distinguished_name",
    "registered_certificate",
    "require_in_time",
    "spiffe_id",
    "subject_alternatives",
    "thumbprint",
    "trust_domain",
]
