"""Verifies the gateway's signed context in front of an API; refuses direct calls."""

from grantline.sdk.resource_server.context import HEADER, SKEW_MS, Context, ContextRefused, ContextVerifier
from grantline.sdk.resource_server.middleware import RequireGateway, context_of

__all__ = ["HEADER", "SKEW_MS", "Context", "ContextRefused", "ContextVerifier", "RequireGateway", "context_of"]
