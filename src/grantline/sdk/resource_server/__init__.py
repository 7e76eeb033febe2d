"""Verifies the gateway's signed context in front of an API; refuses direct calls."""
