"""The story plays itself: a browser, a load, three withdrawals, a ledger that is verified and then tampered with."""

from demo.play.stage import play

__all__ = ["play"]
