"""Tells gateways, and hears from them, that access changed: feed sessions, beats, closures."""

from typing import TYPE_CHECKING

from grantline.model.door import opens_on_use

if TYPE_CHECKING:
    from grantline.signals.feed.closures import Closures
    from grantline.signals.feed.enrolment import issue_token
    from grantline.signals.feed.operating import raise_incarnation, remove_gateway
    from grantline.signals.feed.reading import NotKeeper
    from grantline.signals.feed.server import FeedServer
    from grantline.signals.feed.settings import FeedSettings
    from grantline.signals.store import EnrolledGateway
else:
    __getattr__ = opens_on_use(__name__)

__all__ = [
    "Closures",
    "EnrolledGateway",
    "FeedServer",
    "FeedSettings",
    "NotKeeper",
    "issue_token",
    "raise_incarnation",
    "remove_gateway",
]
