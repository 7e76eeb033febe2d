"""Tokens, components and layouts of every page."""
