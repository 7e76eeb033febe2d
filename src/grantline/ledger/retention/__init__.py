"""How long what is kept is kept: details by class and month, whole entries by one period, and holds that stop both."""
