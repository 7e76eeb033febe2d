"""Pages: kit/ (tokens, components, layouts), portal/ (for people), console/ (for operators)."""
