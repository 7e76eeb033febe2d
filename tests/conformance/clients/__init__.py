"""Clients that others wrote, unmodified, through their whole flows against a served instance."""
