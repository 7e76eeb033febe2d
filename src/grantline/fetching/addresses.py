"""Which addresses are out in the public Internet. What may lead anywhere else is not (RFC 6890, RFC 6052)."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host name and port → every address of that name, as text. Raises OSError."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# Tunnels that carry an IPv4 address of somebody's choice (Teredo, 6to4), and ranges that older Pythons call global.
_NOT_PUBLIC_6 = tuple(IPv6Network(net) for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
_NOT_PUBLIC_4 = tuple(IPv4Network(net) for net in ("192.0.0.0/24", "192.88.99.0/24"))


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of the name, asked of the system once."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(place[0]) for *_, place in found))


def unwrapped(address: str) -> IPv4Address | IPv6Address:
    """The address that packets go to: IPv4 inside an IPv4-mapped or NAT64 address. Raises ValueError."""
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return found.ipv4_mapped
        if found in _NAT64:
            return IPv4Address(int(found) & 0xFFFF_FFFF)
    return found


def is_public(address: str) -> bool:
    """True if a packet to it leaves for the public Internet, and for nowhere else."""
    try:
        found = unwrapped(address)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return found.is_global and not found.is_multicast and not any(found in net for net in _NOT_PUBLIC_4)
    public = found in _GLOBAL_UNICAST and found.is_global and found.scope_id is None
    return public and not any(found in net for net in _NOT_PUBLIC_6)


def is_ordinary(address: str) -> bool:
    """True if it can be a machine of a private network that an operator named. Never link-local: metadata services."""
    try:
        found = unwrapped(address)
    except ValueError:
        return False
    return not (found.is_link_local or found.is_multicast or found.is_unspecified)
