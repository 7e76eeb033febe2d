"""Redirect URIs: what may be registered, and when a requested one is registered (RFC 6749 §3.1.2, RFC 8252 §7.3)."""

import re
from urllib.parse import parse_qsl, urlsplit

from grantline.model.errors import InvalidConfiguration
from grantline.parties.profile_rules import Redirect

MAX_URI = 2_000
_SAFE = re.compile(r"[\x21-\x7e]+\Z")
_FOREIGN = frozenset('\\#*"<>^`{|}')
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\Z")
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+\Z")
_LOOPBACK = re.compile(r"http://(?P<host>127\.0\.0\.1|\[::1\])(?::(?P<port>[1-9][0-9]{0,4}))?(?P<rest>/.*)?\Z")
_HIDDEN_STEP = re.compile(r"%2e|%2f|%5c|(?:^|/)\.{1,2}(?:[;/]|$)", re.IGNORECASE)
_RESPONSE_PARAMETERS = frozenset({"code", "state", "iss", "error", "error_description", "error_uri", "response"})


def check_redirect_uri(uri: str, path: str) -> None:
    """Raise `InvalidConfiguration` unless `uri` may be registered.

    Allowed: https with a plain host name; http on a loopback address or on localhost, for development; a private-use
    scheme with a dot in its name (RFC 8252 §7.1). Never a fragment, user info, wildcard, dot segment, or a response
    parameter in the query: each of those let codes go astray elsewhere.
    """
    problem = _problem(uri)
    if problem:
        raise InvalidConfiguration(f"{path}: {problem}")


def check_web_address(uri: str, path: str) -> None:
    """Raise `InvalidConfiguration` unless `uri` is a plain http(s) address that may be shown and followed."""
    problem = _problem(uri)
    if problem or urlsplit(uri).scheme not in {"https", "http"}:
        raise InvalidConfiguration(f"{path}: {problem or 'must be an https address.'}")


def is_loopback(uri: str) -> bool:
    """True for a loopback IP literal, the only place where the port may vary (RFC 8252 §7.3)."""
    return _LOOPBACK.match(uri) is not None


def kind_of_redirect(uri: str) -> Redirect:
    """Which kind of address this is; of one that may be registered."""
    parts = urlsplit(uri)
    if parts.scheme == "https":
        return Redirect.HTTPS
    if parts.scheme != "http":
        return Redirect.PRIVATE_SCHEME
    return Redirect.LOOPBACK if is_loopback(uri) else Redirect.LOCALHOST


def is_trustworthy_redirect(uri: str) -> bool:
    """True if the address proves who receives the answer: https, and so neither loopback nor a private scheme."""
    return uri.startswith("https://")


def find_redirect_uri(registered: tuple[str, ...], requested: str) -> bool:
    """True if `requested` is a registered URI, compared as text; on loopback IPs any port of it (check 1, 2)."""
    if requested in registered:
        return True
    wanted = _without_port(requested)
    return wanted is not None and any(_without_port(uri) == wanted for uri in registered)


def _without_port(uri: str) -> tuple[str, str] | None:
    match = _LOOPBACK.match(uri)
    if match is None or len(uri) > MAX_URI or _problem(uri):
        return None
    return match["host"], match["rest"] or ""


def _problem(uri: str) -> str | None:
    if len(uri) > MAX_URI or not _SAFE.match(uri) or any(letter in uri for letter in _FOREIGN):
        return f"must be 1 to {MAX_URI} ASCII characters without fragment, wildcard, backslash or unencoded signs."
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return "is not an absolute address."
    if "@" in parts.netloc or (port is None and parts.netloc.endswith(":")) or port == 0:
        return "user names and empty ports are not allowed."
    if _HIDDEN_STEP.search(parts.path):
        return "dot segments, also encoded ones, are not allowed."
    if _RESPONSE_PARAMETERS & {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}:
        return "parameters of the answer, such as code or state, must not be part of it."
    return _problem_of_scheme(uri, parts.scheme, parts.netloc)


def _problem_of_scheme(uri: str, scheme: str, netloc: str) -> str | None:
    if not uri.startswith(f"{scheme}:"):
        return "the scheme must be in lower case."
    host = netloc.rpartition(":")[0] if re.search(r":[0-9]+\Z", netloc) else netloc
    if scheme == "https":
        return None if _HOST.match(host) else "the host must be a plain lower-case name."
    if scheme == "http":
        loopback = host in {"127.0.0.1", "[::1]", "localhost"}
        return None if loopback else "http is for loopback addresses only; use https."
    if _PRIVATE_SCHEME.match(scheme) and not netloc:
        return None
    return "must be https, http on loopback, or a private scheme with a dot such as com.example.app:/back."
