"""What proxies say of a client's certificate: their own forms as recorded, and everything in doubt refused."""

import base64
import hashlib
from urllib.parse import quote

import pytest

from grantline.crypto.certificates import CertificateInvalid
from grantline.crypto.forwarded import proxies
from tests.certificates_world import authority

AUTHORITY = authority()
MIDDLE = AUTHORITY.issue("CN=Middle", ca=True)
LEAF = MIDDLE.issue()
PEM, CHAIN = quote(LEAF.pem, safe=""), quote(LEAF.pem + MIDDLE.pem, safe="")
HASH = hashlib.sha256(LEAF.der).hexdigest()
B64, B64_MIDDLE = (base64.b64encode(one.der).decode() for one in (LEAF, MIDDLE))


@pytest.mark.parametrize(
    ("name", "value", "count"),
    [
        ("envoy", f'Hash={HASH};Cert="{PEM}"', 1),
        ("envoy", f'By=spiffe://a/b;Hash={HASH};Cert="{PEM}";Subject="CN=a\\",O=;b,";URI=spiffe://a/c', 1),
        ("envoy", f'Hash={HASH};Cert="{PEM}";Chain="{CHAIN}"', 2),
        ("nginx", PEM, 1),
        ("traefik", B64, 1),
        ("traefik", f"{B64},{B64_MIDDLE}", 2),
        ("traefik", quote(B64, safe=""), 1),
    ],
)
def test_the_form_of_each_proxy_is_read(name: str, value: str, count: int) -> None:
    proxy = proxies()[name]
    assert proxy.certificates({proxy.header: (value,)}) == LEAF.ders[:count]


@pytest.mark.parametrize("name", ["envoy", "nginx", "traefik"])
def test_no_header_is_no_certificate_and_another_proxys_is_none_of_ours(name: str) -> None:
    proxy = proxies()[name]
    others = {one.header: (PEM,) for one in proxies().values() if one.name != name}
    assert proxy.certificates(others) == proxy.certificates({proxy.header: ("",)}) == ()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("envoy", (f'Cert="{PEM}"', f'Cert="{PEM}"')),
        ("envoy", (f'Cert="{PEM}",Cert="{PEM}"',)),
        ("envoy", (f'Hash={HASH},Cert="{PEM}"',)),
        ("envoy", (f'Cert="{PEM}";Cert="{PEM}"',)),
        ("envoy", (f'Cert="{PEM}";cert="{PEM}"',)),
        ("envoy", (f"Hash={HASH}",)),
        ("envoy", (f'Cert="{PEM}',)),
        ("envoy", (f'Cert="{PEM}";',)),
        ("envoy", (PEM,)),
        ("envoy", ('Cert=""',)),
        ("nginx", (PEM, PEM)),
        ("nginx", (f"{PEM},{PEM}",)),
        ("nginx", (CHAIN,)),
        ("nginx", (B64,)),
        ("nginx", (quote("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),)),
        ("traefik", (B64, B64)),
        ("traefik", (B64 + "!",)),
        ("traefik", (",",)),
        ("traefik", (PEM,)),
        ("traefik", (",".join([B64] * 6),)),
        ("traefik", (base64.b64encode(bytes(20_000)).decode(),)),
    ],
)
def test_what_is_in_doubt_is_refused(name: str, values: tuple[str, ...]) -> None:
    """Covers: check 106."""
    proxy = proxies()[name]
    with pytest.raises(CertificateInvalid):
        proxy.certificates({proxy.header: values})
