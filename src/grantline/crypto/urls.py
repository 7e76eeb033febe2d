"""When two URLs name the same thing (RFC 3986 §6.2.2, §6.2.3)."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def same_target(one: str, other: str) -> bool:
    """True if both are the same http(s) URL after normalisation, query and fragment aside (RFC 9449 §4.3 step 9)."""
    if one == other and "?" not in one and "#" not in one:
        return True
    try:
        return normalised(one) == normalised(other)
    except ValueError:
        return False


@lru_cache(maxsize=1_024)
def normalised(url: str) -> str:
    """Lower-case scheme and host, no default port, plain escapes, no dot segments, no query and fragment.

    Raises ValueError for anything that is not an absolute http(s) URL with a host and without user information.
    """
    if not url.isascii() or not url.isprintable() or " " in url:
        # urlsplit silently drops some of these letters.
        raise ValueError("a URL is printable ASCII without spaces")
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError("not an absolute http(s) URL")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{_path(parts.path)}"


def _path(path: str) -> str:
    kept: list[str] = []
    segments = _ESCAPE.sub(_escape, path).split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _escape(match: re.Match[str]) -> str:
    letter = chr(int(match[1], 16))
    return letter if letter in _UNRESERVED else f"%{match[1].upper()}"
