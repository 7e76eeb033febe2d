"""A parser with a fault, to see that faults are found."""

import json

from tests.fuzz.target import Run, refused


def planted(data: bytes) -> None:
    """It promises to refuse what is no JSON, and forgets that bytes may be no text."""
    text = data.decode()
    with refused(ValueError):
        json.loads(text)


PLANTED: dict[str, Run] = {"planted": planted}
"""Every planted parser by its name."""
