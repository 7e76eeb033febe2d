"""nginx: `proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert`, the certificate as URL-encoded PEM.

nginx sets this header itself, so a copy that a client sent never passes; without a certificate there is none.
"""

from urllib.parse import unquote

from grantline.crypto.certificates.reading import from_pem
from grantline.crypto.forwarded import Proxy


def read(value: str) -> tuple[bytes, ...]:
    """The client's certificate; nginx does not pass the others on."""
    return (from_pem(unquote(value)),)


PROXY = Proxy(name="nginx", header="x-ssl-client-cert", read=read)
