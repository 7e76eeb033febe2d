"""Tells gateways, and hears from them, that access changed: feed sessions, beats, closures."""

from grantline.signals.feed.closures import Closures
from grantline.signals.feed.enrolment import issue_token
from grantline.signals.feed.reading import NotKeeper
from grantline.signals.feed.server import FeedServer
from grantline.signals.feed.settings import FeedSettings

__all__ = ["Closures", "FeedServer", "FeedSettings", "NotKeeper", "issue_token"]
