"""Questions of an investigator: who, what, when, under which consent, and what should not have been."""
