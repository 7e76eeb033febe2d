"""The phases that endpoints are made of, one file each."""
