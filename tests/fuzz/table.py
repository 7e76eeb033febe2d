"""All targets: importing this fills `TARGETS`. One file for each family of parsers."""

from tests.fuzz import (
    catalog,
    certificates,
    configuration,
    fetched,
    gateway,
    identity,
    ledger,
    messages,
    minimiser,
    proofs,
    registration,
    requests,
    signed,
)
from tests.fuzz.target import CORPUS, TARGETS

FAMILIES = (
    catalog, certificates, configuration, fetched, gateway, identity, ledger, messages, minimiser, proofs,
    registration, requests, signed,
)  # fmt: skip
"""The files, each with what it holds in its first line."""

__all__ = ["CORPUS", "FAMILIES", "TARGETS"]
