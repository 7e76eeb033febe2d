"""How long a gateway may rely on what it heard, and how long the authority waits for one that is silent."""

from dataclasses import dataclass

from grantline.model.setting import setting


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Times of the feed. The promise quotes them: a withdrawal holds after lease + margin + skew at the latest."""

    lease_ms: int = setting(2_000, help="How long a gateway may admit calls after it sent the ping that was echoed.")
    beat_ms: int = setting(250, help="How often the authority echoes pings and proves that it still keeps the feed.")
    margin_percent: int = setting(5, help="What is added to the lease for clocks that drift apart.")
    upstream_skew_ms: int = setting(100, help="By how much an upstream's clock may differ when it checks the context.")
    kept_timeout_ms: int | None = setting(
        None, help="A timeout that every proxy or upstream keeps by itself; calls of silent gateways end by then."
    )
    poll_ms: int = setting(50, help="How often the feed is read when no writer of this process woke it.")
    leeway_s: int = setting(60, help="How long an entry is kept after the last token it refuses has expired.")

    def fence_ns(self, lease_ms: int) -> int:
        """How long after a commit a silent session can still admit calls, if that lease is in force."""
        return lease_ms * (100 + self.margin_percent) * 10_000 + self.upstream_skew_ms * 1_000_000

    def drain_ns(self) -> int | None:
        """How long after the last possible departure a call of a silent gateway can last; None: nobody keeps it."""
        return None if self.kept_timeout_ms is None else self.kept_timeout_ms * (100 + self.margin_percent) * 10_000
