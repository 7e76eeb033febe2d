"""So many requests a minute from one client at one address, and no more (check 97). Kept in memory, and bounded."""

from collections import OrderedDict

from grantline.model.errors import OAuthError

MOST_KEYS = 10_000
_MINUTE_NS = 60_000_000_000


class SlowDown(OAuthError):
    """Too many requests; nothing was done (RFC 6585 §4)."""

    code, status = "temporarily_unavailable", 429


class Rates:
    """A bucket for each key that fills evenly. Forgetting the longest unused one can only let somebody through."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def take(self, client: str, address: str, boot_ns: int) -> None:
        """Count one request; raises `SlowDown` when the bucket is empty."""
        key = client, address
        left, at = self._buckets.pop(key, (float(self._per_minute), boot_ns))
        left = min(self._per_minute, left + (boot_ns - at) * self._per_minute / _MINUTE_NS)
        self._buckets[key] = max(0.0, left - 1), boot_ns
        if len(self._buckets) > MOST_KEYS:
            self._buckets.popitem(last=False)
        if left < 1:
            raise SlowDown("Too many requests; try again in a minute.")
