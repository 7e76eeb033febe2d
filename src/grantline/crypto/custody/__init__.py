"""Where private keys live; one file per backend."""
