"""What may be delegated: APIs, routes, actions, fields, scopes, purposes. Knows no person and no token."""
