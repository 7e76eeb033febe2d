"""Traefik: `passTLSClientCert` with `pem = true`, the certificates as base64 of their DER, separated by commas.

The entry point strips a copy that a client sent.
"""

from base64 import b64decode
from urllib.parse import unquote

from grantline.crypto.certificates.reading import CertificateInvalid
from grantline.crypto.forwarded import Proxy


def read(value: str) -> tuple[bytes, ...]:
    """The client's certificate, then those that it sent along."""
    # Older releases URL-encode the value; base64 itself has no percent sign.
    plain = unquote(value) if "%" in value else value
    try:
        return tuple(b64decode(one, validate=True) for one in plain.split(","))
    except ValueError as error:
        raise CertificateInvalid("not base64") from error


PROXY = Proxy(name="traefik", header="x-forwarded-tls-client-cert", read=read)
