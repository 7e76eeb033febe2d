"""A workload shows its X.509-SVID (draft-ietf-oauth-spiffe-client-auth, X509-SVID §5).

`client_id` names our registration, which holds the SPIFFE ID; the draft lets it be associated so.
"""

from grantline.authorization.client_auth import Carrier, Method, named, refused
from grantline.authorization.http import Request
from grantline.authorization.mtls import certificate_of, sent_along
from grantline.authorization.parameters import Form
from grantline.authorization.server import Server
from grantline.authorization.units import Burn
from grantline.crypto.certificates import CertificateInvalid, spiffe_id, trust_domain
from grantline.parties import AuthMethod, Client


def authenticate(server: Server, client: Client, request: Request, _form: Form) -> tuple[Burn, ...]:
    """Check the ID, then that its own trust domain issued it."""
    try:
        certificate = certificate_of(request)
        if certificate is None or server.mtls is None:
            raise refused("no certificate")
        shown = spiffe_id(certificate)
        if shown != client.spiffe_id:
            raise refused("another SPIFFE ID")
        authorities = server.mtls.trust_domains.get(trust_domain(shown))
        if authorities is None:
            raise refused("no bundle of this trust domain")
        authorities.require(certificate, sent_along(request), server.now())
    except CertificateInvalid as error:
        raise refused(str(error)) from error
    return ()


def served(server: Server) -> bool:
    """Where the operator named a trust domain."""
    return server.mtls is not None and bool(server.mtls.trust_domains)


METHOD = Method(
    name=AuthMethod.SPIFFE_X509,
    spec="draft-ietf-oauth-spiffe-client-auth §3.2",
    carrier=Carrier.CONNECTION,
    claimed=named,
    authenticate=authenticate,
    served=served,
)
