"""What is sent: schemas of the very values that the endpoints read requests into."""

from typing import Any

import msgspec

from grantline.authorization.endpoints import backchannel, device, introspect, revoke
from grantline.authorization.endpoints.global_revocation import Body
from grantline.authorization.grants import Grant, grants
from grantline.authorization.steps.backchannel_request import Wanted
from grantline.authorization.steps.request import Parameters
from grantline.parties import Metadata

FORM = "application/x-www-form-urlencoded"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CLIENT: dict[str, Any] = {
    "client_id": {"type": "string", "description": "Needed where nothing else says which client it is."},
    "client_secret": {"type": "string", "description": "For clients registered for client_secret_post."},
    "client_assertion_type": {"type": "string", "description": f"{ASSERTION}, or empty, which counts as absent."},
    "client_assertion": {"type": "string", "description": "A JWT for clients registered for private_key_jwt."},
}
REQUEST_OBJECT = {"request": {"type": "string", "description": "The parameters as a signed JWT (RFC 9101)."}}


def token() -> dict[str, Any]:
    """One form for each grant type."""
    return _body(FORM, {"oneOf": [_of_grant(grant) for _, grant in sorted(grants().items())]})


def pushed() -> dict[str, Any]:
    """An authorization request, pushed (RFC 9126)."""
    return _body(FORM, _form(members(Parameters) | REQUEST_OBJECT))


def device_request() -> dict[str, Any]:
    """What a device may ask."""
    return _body(FORM, _form(_taken(device.TAKEN) | REQUEST_OBJECT))


def backchannel_request() -> dict[str, Any]:
    """What may be asked of a person who is somewhere else (CIBA §7.1)."""
    asked = _taken(backchannel.TAKEN) | members(Wanted) | REQUEST_OBJECT
    return _body(FORM, _form(asked, ("scope",)))


def introspection() -> dict[str, Any]:
    """A token to be told about."""
    return _body(FORM, _form(members(introspect.Parameters), needed(introspect.Parameters)))


def revocation() -> dict[str, Any]:
    """A token to be given back."""
    return _body(FORM, _form(members(revoke.Parameters), needed(revoke.Parameters)))


def everything() -> dict[str, Any]:
    """Whose access is to end."""
    schema = msgspec.json.schema(Body, ref_template="#/$defs/{name}")
    definitions = schema["$defs"]
    formats = {"oneOf": [definitions[each["$ref"].rpartition("/")[2]] for each in _union(definitions["Body"])]}
    return _body("application/json", {"type": "object", "properties": {"sub_id": formats}, "required": ["sub_id"]})


def registration(*, replaces: bool = False) -> dict[str, Any]:
    """Client metadata (RFC 7591 §2); a replacement names its client (RFC 7592 §2.2)."""
    # A member that is null says the same as one that is absent.
    properties = {name: _or_null(schema) for name, schema in members(Metadata).items()}
    if not replaces:
        return _body("application/json", {"type": "object", "properties": properties})
    named = {"client_id": {"type": "string"}, **properties}
    return _body("application/json", {"type": "object", "properties": named, "required": ["client_id"]})


# From values to schemas


def members(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Its members, each with the schema of what is sent: what is absent is not null but absent."""
    properties: dict[str, Any] = _definition(kind)["properties"]
    return {name: _present(schema) for name, schema in properties.items()}


def needed(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The members that have no default."""
    return tuple(_definition(kind)["required"])


def _definition(kind: type[msgspec.Struct]) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.schema(kind)["$defs"][kind.__name__]
    return found


def _present(schema: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in schema.items() if name != "default"}
    choices = [one for one in kept.pop("anyOf", ()) if one != {"type": "null"}]
    return kept | choices[0] if choices else kept


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _union(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body["properties"]["sub_id"]["anyOf"]
    return found


def _taken(names: frozenset[str]) -> dict[str, Any]:
    return {name: schema for name, schema in members(Parameters).items() if name in names}


def _of_grant(grant: Grant) -> dict[str, Any]:
    asked = {"grant_type": {"const": grant.name}, **members(grant.parameters)}
    required = ("grant_type", *_definition(grant.parameters).get("required", ()))
    return {"title": grant.name, "description": grant.spec, **_form(asked, required)}


def _form(members: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    found = {"type": "object", "properties": members | CLIENT}
    return found | {"required": list(required)} if required else found


def _body(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {kind: {"schema": schema}}}
