"""Delegated access with consent as executable policy and a record that an outsider can verify."""

__version__ = "0.1.0"
