"""What is handed out: access tokens, ID tokens, refresh tokens."""
