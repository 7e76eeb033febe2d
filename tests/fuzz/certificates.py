"""Certificates of clients: their bytes, their PEM, what proxies say of them, and the names in them."""

import orjson

from grantline.crypto.certificates import (
    CertificateInvalid,
    canonical_ip,
    from_pem,
    is_spiffe_id,
    key_thumbprint,
    read_certificate,
    read_distinguished_name,
    registered_certificate,
    require_in_time,
    spiffe_id,
    subject_alternatives,
    thumbprint,
    trust_domain,
)
from grantline.crypto.forwarded import proxies
from tests.fuzz.keys import NOW
from tests.fuzz.target import refused, target, text


@target
def certificate_der(data: bytes) -> None:
    """Whatever a certificate says is read, or it is none."""
    try:
        certificate = read_certificate(data)
    except CertificateInvalid:
        return
    for read in (key_thumbprint, subject_alternatives, spiffe_id):
        with refused(CertificateInvalid):
            read(certificate)
    with refused(CertificateInvalid):
        require_in_time(certificate, NOW)


@target
def certificate_pem(data: bytes) -> None:
    """One block and no more."""
    with refused(CertificateInvalid):
        assert len(thumbprint(from_pem(text(data)))) == 43


@target
def certificate_in_jwk(data: bytes) -> None:
    """The certificate in a registered key is of that key."""
    try:
        jwk = orjson.loads(data)
    except ValueError:
        return
    if isinstance(jwk, dict):
        with refused(CertificateInvalid):
            assert (registered_certificate(jwk) is None) == ("x5c" not in jwk)


def _forwarded(kind: str, data: bytes) -> None:
    proxy = proxies()[kind]
    with refused(CertificateInvalid):
        for der in proxy.certificates({proxy.header: (text(data),)}):
            read_certificate(der)


@target
def forwarded_envoy(data: bytes) -> None:
    """`x-forwarded-client-cert`."""
    _forwarded("envoy", data)


@target
def forwarded_nginx(data: bytes) -> None:
    """`x-ssl-client-cert`."""
    _forwarded("nginx", data)


@target
def forwarded_traefik(data: bytes) -> None:
    """`x-forwarded-tls-client-cert`."""
    _forwarded("traefik", data)


@target
def certificate_names(data: bytes) -> None:
    """Names as operators and clients write them: equal to themselves, and of one form."""
    told = data.decode(errors="surrogateescape")
    with refused(CertificateInvalid):
        assert read_distinguished_name(told) == read_distinguished_name(told)
    with refused(ValueError):
        assert canonical_ip(canonical_ip(told)) == canonical_ip(told)
    if is_spiffe_id(told):
        assert told.startswith(f"spiffe://{trust_domain(told)}/")
        assert ".." not in told.split("/")
