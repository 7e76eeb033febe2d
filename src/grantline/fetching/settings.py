"""What an operator may set about fetching."""

from dataclasses import dataclass

from grantline.model.setting import setting


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """Bounds of every request that this server makes to an address that somebody else named."""

    private_hosts: tuple[str, ...] = setting(
        (),
        help="Host names that may be fetched although they have private addresses: clients, and OpenID providers whose "
        "people sign in here, inside your own network.",
    )
    seconds: float = setting(5.0, help="Longest time for one fetch, from the question of DNS to the last byte.")
    at_once: int = setting(16, help="Fetches under way at once; for one host there is never more than one.")
    failed_seconds: float = setting(60.0, help="How long an address that failed is not asked again.")
    remembered: int = setting(2_000, help="Fetched documents and failures that are kept in memory, each.")
