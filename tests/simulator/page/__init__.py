"""The page of the simulator, by its addresses and in a browser."""
