"""The one place where parts meet storage, settings and each other. Holds no rules of its own."""
