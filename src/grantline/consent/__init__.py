"""What a person agreed to. Owns asking, recording, narrowing, withdrawing. Knows nothing of tokens or HTTP."""
