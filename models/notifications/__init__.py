"""Notify people: which notification goes to whom, over which WeChat channel, and whether it arrived."""
