"""Keys, catalog and policy as this gateway holds them. What the feed announced and is not loaded admits nothing."""

from collections.abc import Awaitable, Callable

from grantline.crypto import es256
from grantline.crypto.signing import PublicKey
from grantline.model.bundle import BundleContent
from grantline.model.feed import Marks

Listener = Callable[[BundleContent], None]


class Bundle:
    """The loaded bundle. `fetch` asks the authority; it raises what its transport raises."""

    def __init__(self, fetch: Callable[[], Awaitable[BundleContent]]) -> None:
        self._fetch = fetch
        self._keys: dict[str, PublicKey] = {}
        self._listeners: list[Listener] = []
        self.current: BundleContent | None = None

    def on_change(self, listener: Listener) -> None:
        """Call `listener` with each bundle before it counts as loaded (compile catalog and policy there).

        A listener that raises keeps the bundle from being used. One that comes late is told of the current one.
        """
        if self.current is not None:
            listener(self.current)
        self._listeners.append(listener)

    def loaded(self, announced: Marks) -> bool:
        """Whether a bundle is here and is the announced one (a mark that was never announced accepts any)."""
        return self.current is not None and (
            announced.policy in ("", self.current.policy_hash) and announced.catalog in ("", self.current.catalog_hash)
        )

    def key(self, kid: str) -> PublicKey | None:
        """The authority's key of that id: verifies tokens and versions."""
        return self._keys.get(kid)

    def kids(self) -> tuple[str, ...]:
        """Of all keys that are in use here; the authority signs with none that a gateway lacks."""
        return tuple(self._keys)

    async def refresh(self) -> None:
        """Fetch, let everybody compile it, then use it. If anything fails the former bundle stays."""
        content = await self._fetch()
        if self.current == content:
            return
        keys = [es256.PublicKey.from_jwk(jwk) for jwk in content.jwks.get("keys", ())]
        for listener in self._listeners:
            listener(content)
        self._keys = {key.kid: key for key in keys}
        self.current = content
