"""What clients send to the authority: forms, headers, parameters, their JSON, signed requests, redirect addresses."""

from urllib.parse import urlencode, urlsplit

from grantline.authorization.client_auth import client_secret_basic, private_key_jwt
from grantline.authorization.client_keys import Unverified
from grantline.authorization.endpoints import global_revocation
from grantline.authorization.http import Request
from grantline.authorization.parameters import Form, read_encoded, read_form, read_into, read_json, read_well_formed
from grantline.authorization.steps import backchannel_request
from grantline.authorization.steps.claims import MOST, read_claims
from grantline.authorization.steps.request import Parameters
from grantline.authorization.steps.request_object import read_claims as read_signed
from grantline.authorization.steps.request_object import to_form
from grantline.authorization.tokens.introspection_answer import is_asked_for
from grantline.authorization.user_codes import ALPHABET, LENGTH, read, shown
from grantline.model.errors import InvalidClient, InvalidConfiguration, InvalidRequest, InvalidRequestObject, OAuthError
from grantline.parties.redirects import check_redirect_uri, find_redirect_uri
from tests.fuzz.catalog import CATALOG
from tests.fuzz.target import refused, target, text

LOOPBACK, WEB = "http://127.0.0.1:1234/back", "https://app.example/back?x=1"


def request(body: bytes = b"", **headers: str) -> Request:
    """A POST with these headers, names with `_` for `-`."""
    told = {name.replace("_", "-"): (value,) for name, value in headers.items()}
    return Request("POST", "/token", "", told, body, "192.0.2.1")


def _is_clean(form: Form) -> None:
    for value in form.values():
        for one in (value,) if isinstance(value, str) else value:
            assert one
            assert "\0" not in one
            assert one.encode().decode() == one


@target
def form_body(data: bytes) -> None:
    """A form that is read says the same when it is written and read again; its parameters have their types."""
    with refused(InvalidRequest):
        form = read_form(request(data, content_type="application/x-www-form-urlencoded"))
        _is_clean(form)
        assert read_encoded(urlencode(form, doseq=True)) == form
        read_well_formed(Parameters, form)
        read_into(backchannel_request.Wanted, form)
        read_into(Parameters, form)


@target
def content_type(data: bytes) -> None:
    """Only the one type is a form."""
    with refused(InvalidRequest):
        assert read_form(request(b"a=b", content_type=text(data))) == {"a": "b"}
        assert text(data).lower().startswith("application/x-www-form-urlencoded") or data[:1].isspace()


@target
def basic_credentials(data: bytes) -> None:
    """An Authorization header, with the scheme and without."""
    for value in (text(data), f"Basic {text(data)}"):
        with refused(InvalidClient):
            assert client_secret_basic.claimed(request(authorization=value), {})


@target
def client_assertion(data: bytes) -> None:
    """Whom an assertion names, before anything is proven."""
    with refused(InvalidClient):
        assert isinstance(private_key_jwt.claimed(request(), {"client_assertion": text(data)}), str)


@target
def signed_request(data: bytes) -> None:
    """The payload of a request object becomes the parameters of a form, or is refused."""
    with refused(Unverified, InvalidRequestObject):
        form = to_form(read_signed(data))
        _is_clean(form)
        with refused(InvalidRequest):
            read_into(Parameters, form)


@target
def authorization_details(data: bytes) -> None:
    """JSON of RFC 9396: only what the catalog has, each with one action, required fields among the fields."""
    with refused(OAuthError):
        for one in CATALOG.asked_by_details(read_json(_utf8(data), object, "authorization_details")):
            assert len(one.item.actions) == 1
            assert set(one.required) <= set(one.item.fields)
            assert set(one.item.fields) <= set(CATALOG.permitted_fields(one.item))


@target
def claims_parameter(data: bytes) -> None:
    """The `claims` parameter: bounded, and of one person."""
    with refused(InvalidRequest):
        wanted = read_claims(_utf8(data))
        assert len(wanted.id_token) + len(wanted.userinfo) <= MOST


@target
def user_code(data: bytes) -> None:
    """What somebody typed is no code, or reads as it is shown."""
    code = read(data.decode(errors="replace"))
    assert code is None or (len(code) == LENGTH and set(code) <= set(ALPHABET) and read(shown(code)) == code)


@target
def accept_header(data: bytes) -> None:
    """Which form of an introspection answer is wanted."""
    if is_asked_for(request(accept=text(data))):
        assert b"token-introspection+jwt" in data.lower()


@target
def redirect_uri(data: bytes) -> None:
    """What may be registered is plain and is found again; what is asked for is registered, but for a loopback port."""
    uri = text(data)
    with refused(InvalidConfiguration):
        check_redirect_uri(uri, "$")
        parts = urlsplit(uri)
        assert not parts.fragment
        assert parts.username is None
        assert parts.scheme in {"https", "http"} or "." in parts.scheme
        assert find_redirect_uri((uri,), uri)
    if find_redirect_uri((LOOPBACK, WEB), uri):
        assert uri == WEB or urlsplit(uri)._replace(netloc="") == urlsplit(LOOPBACK)._replace(netloc="")
        assert urlsplit(uri).hostname in {"127.0.0.1", "app.example"}


@target
def subject_identifier(data: bytes) -> None:
    """Whose everything is to end (RFC 9493)."""
    with refused(InvalidRequest):
        assert global_revocation._read(request(data, content_type="application/json"))


def _utf8(data: bytes) -> str:
    """Parameters are UTF-8 once they are read."""
    return data.decode(errors="replace")
