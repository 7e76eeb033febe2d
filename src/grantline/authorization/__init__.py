"""The OAuth 2.1 / OpenID server: endpoints, steps, grants, client authentication, tokens."""
