"""``make faults`` puts each fault of tests/faults.toml into the code alone, and runs the tests that should notice."""
