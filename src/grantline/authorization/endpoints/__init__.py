"""One endpoint, one file: it owns its phases and nothing else."""
