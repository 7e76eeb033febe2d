"""The stores of gateways do what signals ask of any, on either database."""

from grantline.testing.gateway_stores import GatewayStores


class TestGatewayStores(GatewayStores):
    """Over each database."""
