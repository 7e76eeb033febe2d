"""JSON that somebody else wrote: whatever is wrong with it, it is one kind of error.

The decoder's own raises two more: for bytes that are not UTF-8, and for what is nested too deep. Who forgets one of
them answers a stranger's bad bytes as a failure of ours.
"""

from collections.abc import Callable
from typing import Any, TypeVar, overload

import msgspec

T = TypeVar("T")
Data = bytes | str


def decoder(kind: type[T]) -> Callable[[Data], T]:
    """Reads JSON of one shape again and again; raises `msgspec.DecodeError` and nothing else."""
    decode = msgspec.json.Decoder(kind).decode

    def read(data: Data) -> T:
        try:
            return decode(data)
        except (UnicodeError, RecursionError) as error:
            raise msgspec.DecodeError(str(error)) from error

    return read


@overload
def decoded(data: Data) -> Any: ...


@overload
def decoded(data: Data, kind: type[T]) -> T: ...


def decoded(data: Data, kind: Any = Any) -> Any:
    """The value of one JSON text, of this shape if one is named; raises `msgspec.DecodeError` and nothing else."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (UnicodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error
