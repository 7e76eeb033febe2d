"""What was made from values that never change, found again by those very values."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """The last `most` results, by the identity of what they were made from: for values that cannot be hashed, or cost
    too much to. What was made from is kept with the result, so that no other value can come to have its identity.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[int, ...], tuple[tuple[object, ...], T]] = OrderedDict()

    def of(self, *sources: object, make: Callable[[], T]) -> T:
        """The result for these frozen values; made now if it is not kept. What `make` raises is not remembered."""
        key = tuple(map(id, sources))
        found = self._kept.get(key)
        if found is not None:
            return found[1]
        made = make()
        self._kept[key] = sources, made
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return made
