"""For those who integrate: client/ obtains and refreshes tokens; resource_server/ verifies what a gateway signed."""
