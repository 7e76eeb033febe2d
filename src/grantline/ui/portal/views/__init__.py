"""From values of the domain to what a template prints. Pure functions; no template holds a noun of the catalog."""
