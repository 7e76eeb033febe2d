"""Tells gateways, and hears from them, that access changed: feed sessions, beats, closures."""
