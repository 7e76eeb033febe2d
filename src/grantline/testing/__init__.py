"""Contract suites, clocks and fakes that any implementation can run."""
