"""Says how to write authorization details of each type: a JSON Schema for each (RFC 9396 §2, draft rar-metadata)."""

from grantline.authorization.http import Request, Response, json_response
from grantline.authorization.server import Server
from grantline.catalog import detail_schemas


async def detail_types(server: Server, _request: Request) -> Response:
    """Type → its schema, made from the catalog that requests are read by."""
    schemas = detail_schemas(server.catalog().file)
    return json_response({name: {"version": "1.0", "schema": schema} for name, schema in schemas.items()})
