"""Obtains and refreshes tokens for an app."""
