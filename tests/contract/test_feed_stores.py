"""The feed and the outbox do what is asked of any, on either database."""

from grantline.testing.feed_stores import FeedStores


class TestFeedStores(FeedStores):
    """Over each database."""
