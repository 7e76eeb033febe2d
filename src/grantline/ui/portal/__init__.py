"""Pages for people: sign-in, consent, Connections."""
