"""Runs the Node programs of this folder: each does its whole flow, the person is ours."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conformance.clients.declared import CALLBACK, SCOPE
from tests.conformance.clients.served import Served

HERE = Path(__file__).parent


def run(
    authority: Served, program: str, *, act: Callable[[Served, str], str] = Served.allow, **more: Any
) -> dict[str, Any]:
    """What the program reports; its errors, if it stops before that. `more`: what it is told beside the common.

    `act`: what the person does with an address that the program opens; where that led.
    """
    told = {
        "issuer": authority.issuer, "callback": CALLBACK, "scope": SCOPE, "key": authority.key.as_dict(private=True),
        **more,
    }  # fmt: skip
    node = subprocess.Popen(
        ["node", HERE / program], env={**os.environ, "CLIENT": json.dumps(told)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with node:
        assert node.stdin is not None
        assert node.stdout is not None
        assert node.stderr is not None
        for line in node.stdout:
            said = json.loads(line)
            if "result" in said:
                return dict(said["result"])
            node.stdin.write(act(authority, said["open"]) + "\n")
            node.stdin.flush()
        raise AssertionError(node.stderr.read())
