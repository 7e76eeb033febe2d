"""Attacks on the parts as they run together: real processes, real proxies, real files."""
