"""Enforcement: read, verify, decide, record, render. Knows consents only by feed and fetch."""
