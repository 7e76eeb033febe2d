"""For apps that ask for access: discovery, pushed requests, PKCE, DPoP, codes and refresh, checked as a client must."""

from grantline.sdk.client.answers import AccessRefused, Tokens
from grantline.sdk.client.calls import Calls
from grantline.sdk.client.client import Begun, Client
from grantline.sdk.client.proving import Prover

__all__ = ["AccessRefused", "Begun", "Calls", "Client", "Prover", "Tokens"]
