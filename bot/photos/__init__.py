"""These processes fetch, store and fingerprint the photos that people send."""
