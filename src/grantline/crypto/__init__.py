"""Signatures, proofs of possession, canonical bytes and Merkle hashing. Knows no storage and no HTTP."""
