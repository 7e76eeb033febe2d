"""Puts the endpoints at their paths: one ASGI application for everything that machines call, and /authorize."""

from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import urlsplit

from grantline.authorization.doors import FRONT, Door
from grantline.authorization.endpoints import paths
from grantline.authorization.endpoints.authorize import authorize
from grantline.authorization.endpoints.backchannel import backchannel
from grantline.authorization.endpoints.detail_types import detail_types
from grantline.authorization.endpoints.device import device
from grantline.authorization.endpoints.global_revocation import global_revocation
from grantline.authorization.endpoints.grants import grant
from grantline.authorization.endpoints.introspect import introspect
from grantline.authorization.endpoints.jwks import jwks
from grantline.authorization.endpoints.logout import end_session
from grantline.authorization.endpoints.metadata import metadata
from grantline.authorization.endpoints.protected_resource import protected_resource
from grantline.authorization.endpoints.pushed import pushed
from grantline.authorization.endpoints.register import configure, register
from grantline.authorization.endpoints.revoke import revoke
from grantline.authorization.endpoints.token import token
from grantline.authorization.endpoints.userinfo import userinfo
from grantline.authorization.http import Request, Response
from grantline.authorization.router import Handler, Router
from grantline.authorization.server import Server
from grantline.authorization.steps.dpop import nonces

Endpoint = Callable[[Server, Request], Awaitable[Response]]

GET_POST = ("GET", "POST")
ENDPOINTS: dict[str, tuple[Endpoint, tuple[str, ...]]] = {
    paths.OAUTH_METADATA: (metadata, ("GET",)),
    paths.OPENID_METADATA: (metadata, ("GET",)),
    paths.JWKS: (jwks, ("GET",)),
    paths.DETAIL_TYPES: (detail_types, ("GET",)),
    paths.PUSHED: (pushed, ("POST",)),
    paths.AUTHORIZE: (authorize, GET_POST),
    paths.TOKEN: (token, ("POST",)),
    paths.INTROSPECT: (introspect, ("POST",)),
    paths.REVOKE: (revoke, ("POST",)),
    paths.GLOBAL_REVOCATION: (global_revocation, ("POST",)),
    paths.USERINFO: (userinfo, GET_POST),
    paths.END_SESSION: (end_session, GET_POST),
    paths.PROTECTED_RESOURCE: (protected_resource, ("GET",)),
    paths.DEVICE: (device, ("POST",)),
    paths.BACKCHANNEL: (backchannel, ("POST",)),
    paths.GRANTS: (grant, ("GET", "DELETE")),
    paths.REGISTER: (register, ("POST",)),
    paths.REGISTRATION: (configure, ("GET", "PUT", "DELETE")),
}


def oauth_endpoints(server: Server, door: Door = FRONT) -> Router:
    """The ASGI application of this server at one of its doors; `Router.knows` tells which paths are its own."""
    routes: dict[str, dict[str, Handler]] = {
        path: dict.fromkeys(methods, partial(endpoint, server)) for path, (endpoint, methods) in ENDPOINTS.items()
    }
    return Router(
        routes,
        shared=paths.FOR_BROWSER_APPS,
        families=(paths.PROTECTED_RESOURCE, paths.GRANTS),
        nonce=lambda: nonces(server).current(server.now()),
        door=door,
        base=urlsplit(server.issuer).path.rstrip("/"),
    )
