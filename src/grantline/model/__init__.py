"""Words everyone speaks: identifiers, clocks, consents, tokens, decisions, events, the feed. Frozen, no I/O."""
