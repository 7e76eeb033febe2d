"""Reads an address that somebody else chose, in the one way in which it will be used; anything doubtful is refused."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from grantline.fetching.errors import CannotFetch

MAX_URL = 2_000
HTTPS_PORT = 443
_FIRST_USER_PORT = 1_024
_SAFE = re.compile(r"[\x21-\x7e]+\Z")
_FOREIGN = frozenset('\\"<>^`{|}#')
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\Z")
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\Z")


@dataclass(frozen=True, slots=True)
class Url:
    """An https address: host name (never a literal address), port, and the path with its query."""

    text: str
    host: str
    port: int
    target: str


def read_url(text: str, private_hosts: tuple[str, ...] = ()) -> Url:
    """The address. Raises `CannotFetch` unless it is https, with a full host name, and written plainly.

    A host that is a number in any base, an address literal or a single label is refused; a label is a full name only
    if it is among `private_hosts`, which may use any port as well.
    """
    if len(text) > MAX_URL or not _SAFE.match(text) or any(letter in text for letter in _FOREIGN):
        raise CannotFetch(text, "length or letters")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise CannotFetch(text, "not an address") from error
    if not text.startswith("https://") or "@" in parts.netloc or parts.netloc.endswith(":"):
        raise CannotFetch(text, "not https, or with a user name or an empty port")
    host = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc
    if not _NAME.match(host) or len(host) > 253 or _ENDS_IN_NUMBER.match(host):
        raise CannotFetch(text, "the host is not a name")
    port = HTTPS_PORT if port is None else port
    if host not in private_hosts and ("." not in host or (port != HTTPS_PORT and port < _FIRST_USER_PORT)):
        raise CannotFetch(text, "the host is not a full name, or the port is another service's")
    query = f"?{parts.query}" if parts.query else ""
    return Url(text, host, port, (parts.path or "/") + query)
