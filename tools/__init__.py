"""What keeps the house in order: pins, generated pages, forbidden texts. Not installed; run from the checkout."""
