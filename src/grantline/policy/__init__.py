"""May this actor do this, now? Pure: (consent, call, now) -> Permit | Deny. Knows no HTTP and no storage."""
