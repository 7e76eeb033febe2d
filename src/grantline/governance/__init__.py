"""Questions asked of the ledger."""
