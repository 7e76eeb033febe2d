"""The client shows a certificate of an authority that we trust, with the one name it is registered by (RFC 8705 §2.1).

The path to the authority is checked here, whoever else has checked it: listeners and proxies let other certificates
pass as well, those that clients signed themselves among them.
"""

from cryptography import x509

from grantline.authorization.client_auth import Carrier, Method, named, refused
from grantline.authorization.http import Request
from grantline.authorization.mtls import certificate_of, sent_along
from grantline.authorization.parameters import Form
from grantline.authorization.server import Server
from grantline.authorization.units import Burn
from grantline.crypto.certificates import CertificateInvalid, canonical_ip, has_subject, subject_alternatives
from grantline.parties import AuthMethod, Certificate, Client


def authenticate(server: Server, client: Client, request: Request, _form: Form) -> tuple[Burn, ...]:
    """Check whom the certificate comes from, then its name."""
    authorities = server.mtls.authorities if server.mtls is not None else None
    expected = client.certificate
    try:
        certificate = certificate_of(request)
        if certificate is None or authorities is None or expected is None:
            raise refused("no certificate, or no authority to check it by")
        authorities.require(certificate, sent_along(request), server.now())
    except CertificateInvalid as error:
        raise refused(str(error)) from error
    if not is_named(certificate, expected):
        raise refused("the certificate carries another name")
    return ()


def is_named(certificate: x509.Certificate, expected: Certificate) -> bool:
    """True if the certificate carries exactly the registered name; a wildcard in it names nobody (§2.1.2)."""
    if expected.subject_dn is not None:
        return has_subject(certificate, expected.subject_dn)
    names = subject_alternatives(certificate)
    return any(
        value is not None and value in names[kind]
        for kind, value in (
            ("dns", expected.san_dns and expected.san_dns.lower()),
            ("uri", expected.san_uri),
            ("ip", expected.san_ip and canonical_ip(expected.san_ip)),
            ("email", expected.san_email),
        )
    )


def served(server: Server) -> bool:
    """Where the operator named an authority."""
    return server.mtls is not None and server.mtls.authorities is not None


METHOD = Method(
    name=AuthMethod.TLS_CLIENT_AUTH,
    spec="RFC 8705 §2.1",
    carrier=Carrier.CONNECTION,
    claimed=named,
    authenticate=authenticate,
    served=served,
)
