"""Who takes part: clients, people declared by operators, gateways. Registration data, no sessions."""
