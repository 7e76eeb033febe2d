"""Reads parameters once, at the edge. What is repeated, oversized or malformed is refused here."""

from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec

from grantline.authorization.http import Request
from grantline.model.errors import InvalidRequest
from grantline.model.reading import decoded

T = TypeVar("T", bound=msgspec.Struct)

MAX_NAME = 100
MAX_VALUE = 16 * 1024
MAX_COUNT = 60
REPEATABLE = frozenset({"resource", "audience"})
"""May be given more than once (RFC 8707 §2, RFC 8693 §2.1); everything else once (RFC 6749 §3.1)."""

Form = dict[str, str | tuple[str, ...]]


def read_form(request: Request) -> Form:
    """The parameters of a form body; any other content type is refused (check 94)."""
    return read_encoded(form_body(request))


def form_body(request: Request) -> str:
    """The body of a form, not yet read."""
    kind = (request.only("content-type") or "").split(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise InvalidRequest("Send the parameters as application/x-www-form-urlencoded.")
    if request.query:
        raise InvalidRequest("Send the parameters in the body, not in the address.")
    return request.body.decode("latin-1")


def read_encoded(text: str) -> Form:
    """Parameters of a form or query string; an empty value counts as absent (RFC 6749 §3.1)."""
    form, doubt = read_doubtful(text)
    if doubt is not None:
        raise doubt
    return form


def read_doubtful(text: str) -> tuple[Form, InvalidRequest | None]:
    """The parameters that can be read without doubt, and what is wrong with the first of the others.

    For the one endpoint that says an error at an address which the same parameters name. A name that was repeated or
    has an unreadable value is not in the form at all: there is nothing to choose from.
    """
    pairs = [pair for pair in text.split("&") if pair]
    if len(pairs) > MAX_COUNT:
        raise InvalidRequest("There are too many parameters.")
    form: Form = {}
    doubtful: dict[str, InvalidRequest] = {}
    for name, value in (_halves(pair) for pair in pairs):
        try:
            _add(form, _decoded(name), value)
        except InvalidRequest as error:
            doubtful.setdefault(_name_of(name), error)
    clear = {name: value for name, value in form.items() if value and name not in doubtful}
    return clear, next(iter(doubtful.values()), None)


def _halves(pair: str) -> tuple[str, str]:
    name, _, value = pair.partition("=")
    return name, value


def _add(form: Form, name: str, encoded: str) -> None:
    """Take one parameter in, once and within bounds."""
    value = _decoded(encoded)
    if not name or len(name) > MAX_NAME or len(value) > MAX_VALUE:
        raise InvalidRequest(f"A parameter is too long: {_shown(name)}.")
    if name not in REPEATABLE:
        if name in form:
            raise InvalidRequest(f"Send {_shown(name)} only once.")
        form[name] = value
        return
    earlier = form.get(name, ())
    form[name] = (*earlier, value) if value and isinstance(earlier, tuple) else earlier


def read_into(kind: type[T], form: Form) -> T:
    """The parameters that this request takes, as one frozen value; others are ignored (RFC 6749 §3.1, check 14)."""
    try:
        return msgspec.convert(form, kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(_sentence(str(error)), detail=str(error)) from error


def read_well_formed(kind: type[T], form: Form) -> T:
    """The parameters that are well formed, each by itself; `kind` must need none of them."""
    return msgspec.convert({name: value for name, value in form.items() if _fits(kind, name, value)}, kind)


def _fits(kind: type[T], name: str, value: str | tuple[str, ...]) -> bool:
    try:
        msgspec.convert({name: value}, kind)
    except msgspec.ValidationError:
        return False
    return True


def text(form: Form, name: str) -> str | None:
    """The one value of a parameter, or None."""
    value = form.get(name)
    return value if isinstance(value, str) else None


def read_json(value: str, kind: Any, name: str) -> Any:
    """A parameter whose value is JSON of one shape, not nested beyond reason."""
    try:
        return decoded(value.encode(), kind)
    except RecursionError as error:
        raise InvalidRequest(f"{name} is nested too deeply.") from error
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InvalidRequest(f"{name} is not what it must be: {error}.") from error


def _name_of(encoded: str) -> str:
    """The name as far as it can be read; names that cannot be are no parameter of ours."""
    return unquote_to_bytes(encoded.replace("+", " ")).decode(errors="replace")


def _decoded(part: str) -> str:
    decoded = part
    if "%" in part or "+" in part or not part.isascii():
        try:
            decoded = unquote_to_bytes(part.replace("+", " ")).decode()
        except UnicodeDecodeError as error:
            raise InvalidRequest("A parameter is not UTF-8.") from error
    if "\0" in decoded:
        raise InvalidRequest("A parameter holds a NUL.")
    return decoded


def _shown(name: str) -> str:
    """A name that is safe to repeat back: only the letters that parameter names have."""
    return "".join(letter for letter in name[:40] if letter.isascii() and (letter.isalnum() or letter in "_-."))


def _sentence(message: str) -> str:
    """Turns what msgspec says into words for the caller, naming the parameter only."""
    if "missing required field" in message:
        return f"The parameter {message.split('`')[1]} is missing."
    place = message.partition(" - at `$.")[2].rstrip("`")
    return f"The parameter {_shown(place.split('[')[0])} is malformed or too long."
