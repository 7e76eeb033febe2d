"""Who takes part: clients, people declared by operators, gateways. Registration data, no sessions."""

from typing import TYPE_CHECKING

from grantline.model.door import opens_on_use

if TYPE_CHECKING:
    from grantline.parties import registering
    from grantline.parties.client_information import information
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
    from grantline.parties.documents import is_document_id, read_document
    from grantline.parties.exemptions import EXEMPTIONS, Exemption, warnings
    from grantline.parties.metadata import (
        InvalidMetadata,
        InvalidRedirectUris,
        InvalidStatement,
        Metadata,
        UnapprovedStatement,
        read_metadata,
    )
    from grantline.parties.names import is_mixed
    from grantline.parties.pairwise import Pairwise
    from grantline.parties.profile_rules import PROFILES, ProfileRules, Redirect, rules_of
    from grantline.parties.redirects import find_redirect_uri, is_trustworthy_redirect
    from grantline.parties.registering import Registered, Registrar, token_digest
    from grantline.parties.registration import GRANT_TYPES, read_client
    from grantline.parties.registry import Change, metadata_hash, upsert
    from grantline.parties.secrets import hash_of, is_secret_of, with_new_secret
    from grantline.parties.self_registration import Frame, RegistrationPolicy, to_client
    from grantline.parties.settings import RegistrationSettings, StatementIssuer
    from grantline.parties.store import ClientRows, RegistrationRow
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
    "ClientRows",
    "Delivery",
    "Exchange",
    "Exemption",
    "Frame",
    "InvalidMetadata",
    "InvalidRedirectUris",
    "InvalidStatement",
    "Kind",
    "Logout",
    "Metadata",
    "Origin",
    "Pairwise",
    "Profile",
    "ProfileRules",
    "Redirect",
    "Registered",
    "Registrar",
    "RegistrationPolicy",
    "RegistrationRow",
    "RegistrationSettings",
    "Standing",
    "StatementIssuer",
    "SubjectType",
    "Tier",
    "UnapprovedStatement",
    "find_redirect_uri",
    "hash_of",
    "information",
    "is_document_id",
    "is_mixed",
    "is_secret_of",
    "is_trustworthy_redirect",
    "metadata_hash",
    "read_client",
    "read_document",
    "read_metadata",
    "registering",
    "rules_of",
    "to_client",
    "token_digest",
    "upsert",
    "warnings",
    "with_new_secret",
]
