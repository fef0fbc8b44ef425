"""The process's side of the public figures."""
