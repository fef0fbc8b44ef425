"""The pay channel's client and callbacks take only what is proved."""
