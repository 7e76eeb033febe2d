"""The names in a certificate: subject (RFC 4514), alternative names (RFC 5280 §4.2.1.6), SPIFFE ID (X509-SVID)."""

import re
from ipaddress import ip_address

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from grantline.crypto.certificates.reading import CertificateInvalid

_SHORT: dict[str, ObjectIdentifier] = {
    "E": NameOID.EMAIL_ADDRESS,
    "EMAILADDRESS": NameOID.EMAIL_ADDRESS,
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "GN": NameOID.GIVEN_NAME,
    "SN": NameOID.SURNAME,
}
"""Names in use beside those of RFC 4514 §3; every other attribute is written as its dotted number."""

_SPIFFE_ID = re.compile(r"spiffe://(?P<domain>[a-z0-9._-]{1,255})(?P<path>(/[A-Za-z0-9._-]+)+)")
_LONGEST_SPIFFE_ID = 2_048


def read_distinguished_name(text: str) -> x509.Name:
    """A name in the notation of RFC 4514, most specific part first. Raises `CertificateInvalid`.

    Two names are equal (`==`) when they have the same parts in the same order; a part of several attributes has no
    order inside. Values are compared letter by letter: what differs in case differs.
    """
    try:
        name = x509.Name.from_rfc4514_string(text, _SHORT)
    except ValueError as error:
        raise CertificateInvalid(f"not a distinguished name: {error}") from error
    if not list(name):
        raise CertificateInvalid("an empty distinguished name")
    return name


def has_subject(certificate: x509.Certificate, text: str) -> bool:
    """True if the subject is this name, as `read_distinguished_name` compares."""
    return certificate.subject == read_distinguished_name(text)


def subject_alternatives(certificate: x509.Certificate) -> dict[str, frozenset[str]]:
    """Alternative names by kind: `dns` in lower case, `uri`, `ip` in canonical form, `email`."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return {"dns": frozenset(), "uri": frozenset(), "ip": frozenset(), "email": frozenset()}
    return {
        "dns": frozenset(one.lower() for one in names.get_values_for_type(x509.DNSName)),
        "uri": frozenset(names.get_values_for_type(x509.UniformResourceIdentifier)),
        "ip": frozenset(str(one) for one in names.get_values_for_type(x509.IPAddress)),
        "email": frozenset(names.get_values_for_type(x509.RFC822Name)),
    }


def canonical_ip(text: str) -> str:
    """One address in the one way that it is compared. Raises `ValueError`."""
    return str(ip_address(text))


def is_spiffe_id(text: str) -> bool:
    """True for the ID of a workload: trust domain and path, no dot segments, no query (SPIFFE-ID §2)."""
    found = _SPIFFE_ID.fullmatch(text)
    if found is None or len(text) > _LONGEST_SPIFFE_ID:
        return False
    return not {".", ".."} & set(found["path"].split("/"))


def trust_domain(identifier: str) -> str:
    """The trust domain of a SPIFFE ID."""
    return identifier.removeprefix("spiffe://").partition("/")[0]


def spiffe_id(certificate: x509.Certificate) -> str:
    """The ID in an X.509-SVID of a workload. Raises `CertificateInvalid` for what is none.

    One URI and no other, no authority, made for signatures and not for signing certificates (X509-SVID §2 to §4).
    Whom it comes from is another question.
    """
    uris = _uris(certificate)
    if len(uris) != 1 or not is_spiffe_id(uris[0]):
        raise CertificateInvalid("not exactly one URI, or it is no SPIFFE ID")
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        is_authority = constraints.ca
    except x509.ExtensionNotFound:
        is_authority = False
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as error:
        raise CertificateInvalid("an SVID without key usage") from error
    if is_authority or not usage.digital_signature or usage.key_cert_sign or usage.crl_sign:
        raise CertificateInvalid("an SVID that signs certificates, or not made for signatures")
    return uris[0]


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)
