"""Who takes part: clients, people declared by operators, gateways. Registration data, no sessions."""

from typing import TYPE_CHECKING

from grantline.model.door import opens_on_use

if TYPE_CHECKING:
    from grantline.parties.clients import (
        Algorithms,
        ApplicationType,
        AuthMethod,
        Backchannel,
        Certificate,
        Client,
        Delivery,
        Exchange,
        Kind,
        Logout,
        Origin,
        Profile,
        Standing,
        SubjectType,
        Tier,
    )
    from grantline.parties.exemptions import EXEMPTIONS, Exemption, warnings
    from grantline.parties.pairwise import Pairwise
    from grantline.parties.profile_rules import PROFILES, ProfileRules, Redirect, rules_of
    from grantline.parties.redirects import find_redirect_uri, is_trustworthy_redirect
    from grantline.parties.registration import GRANT_TYPES, read_client
    from grantline.parties.registry import Change, metadata_hash, upsert
    from grantline.parties.secrets import hash_of, is_secret_of, with_new_secret
else:
    __getattr__ = opens_on_use(__name__)

__all__ = [
    "EXEMPTIONS",
    "GRANT_TYPES",
    "PROFILES",
    "Algorithms",
    "ApplicationType",
    "AuthMethod",
    "Backchannel",
    "Certificate",
    "Change",
    "Client",
    "Delivery",
    "Exchange",
    "Exemption",
    "Kind",
    "Logout",
    "Origin",
    "Pairwise",
    "Profile",
    "ProfileRules",
    "Redirect",
    "Standing",
    "SubjectType",
    "Tier",
    "find_redirect_uri",
    "hash_of",
    "is_secret_of",
    "is_trustworthy_redirect",
    "metadata_hash",
    "read_client",
    "rules_of",
    "upsert",
    "warnings",
    "with_new_secret",
]
