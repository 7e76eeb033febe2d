"""Envoy: `x-forwarded-client-cert`, under `forward_client_cert_details: SANITIZE_SET` with details `cert`, `chain`.

With that setting Envoy replaces what a client sent. `key=value;key="quoted value"`, one element for each proxy on the
way, separated by commas: more than one element means that somebody appended, and is refused.
"""

import re
from urllib.parse import unquote

from grantline.crypto.certificates.reading import CertificateInvalid, from_pem
from grantline.crypto.forwarded import Proxy

_PAIR = re.compile(r'([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;]*)')
_END = "-----END CERTIFICATE-----"


def read(value: str) -> tuple[bytes, ...]:
    """The client's certificate (`Cert`), then those that it sent along (`Chain`)."""
    details = _details(value)
    certificate, chain = details.get("cert"), details.get("chain")
    if certificate is None:
        # Envoy says `By` and `Hash` alone when it is not told to pass the certificate on.
        raise CertificateInvalid("no Cert; set_current_client_cert_details must name cert")
    leaf = from_pem(unquote(certificate))
    sent = [block + _END for block in unquote(chain or "").split(_END) if block.strip()]
    return (leaf, *(der for der in map(from_pem, sent) if der != leaf))


def _details(value: str) -> dict[str, str]:
    details: dict[str, str] = {}
    at = 0
    while True:
        pair = _PAIR.match(value, at)
        if pair is None or pair[1].lower() in details:
            raise CertificateInvalid("not one client in the form of this header")
        details[pair[1].lower()] = pair[2].strip('"')
        at = pair.end()
        if at == len(value):
            return details
        if value[at] != ";":
            raise CertificateInvalid("more than one client")
        at += 1


PROXY = Proxy(name="envoy", header="x-forwarded-client-cert", read=read)
