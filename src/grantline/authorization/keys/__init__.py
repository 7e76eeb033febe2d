"""The keys that sign: their states, when they change, and the ring that everybody signs with."""

from typing import TYPE_CHECKING

from grantline.model.door import opens_on_use

if TYPE_CHECKING:
    from grantline.authorization.keys.changes import Changes, Overtaken
    from grantline.authorization.keys.keeping import Keeping
    from grantline.authorization.keys.keys import Keys
    from grantline.authorization.keys.life import Terms, the
    from grantline.authorization.keys.ring import KeyRing, KeySet
    from grantline.authorization.keys.settings import KeySettings
    from grantline.authorization.keys.store import KeyRow, KeyState
else:
    __getattr__ = opens_on_use(__name__)

__all__ = [
    "Changes",
    "Keeping",
    "KeyRing",
    "KeyRow",
    "KeySet",
    "KeySettings",
    "KeyState",
    "Keys",
    "Overtaken",
    "Terms",
    "the",
]
