"""This process asks the registry about the households that wait for it."""
