"""Everything in memory, for tests of rules."""
