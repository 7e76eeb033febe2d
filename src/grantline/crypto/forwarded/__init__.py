"""What a proxy that ended TLS says of its client's certificate. One proxy, one file, found by being there.

Whether the one who says it is that proxy is for the caller to know: a header alone proves nothing (check 106).
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from grantline.crypto.certificates.reading import CertificateInvalid, read_certificate
from grantline.extension import implementations

_MOST = 5


@dataclass(frozen=True, slots=True)
class Proxy:
    """One kind of proxy. `header`: lower-case name of the one header that is read; no other proxy's ever is.

    `read`: DER certificates, the client's own first, from the header's value; raises `CertificateInvalid`.
    """

    name: str
    header: str
    read: Callable[[str], tuple[bytes, ...]]

    def certificates(self, headers: Mapping[str, tuple[str, ...]]) -> tuple[bytes, ...]:
        """What this proxy says in these headers (lower-case names); empty if it says nothing.

        Raises `CertificateInvalid` for anything in doubt: two headers, or more than one client.
        """
        values = headers.get(self.header, ())
        if len(values) > 1:
            raise CertificateInvalid(f"{self.header} stands there twice")
        found = self.read(values[0]) if values and values[0] else ()
        if len(found) > _MOST:
            raise CertificateInvalid("too many certificates")
        for der in found:
            read_certificate(der)
        return found


@cache
def proxies() -> dict[str, Proxy]:
    """Every kind by name."""
    return {proxy.name: proxy for proxy in implementations(sys.modules[__name__], "PROXY", Proxy)}
