"""A simulator of WeChat, for the demo, development and tests.

It knows nothing of the bot: it is a process of its own, reaches the bot only
over HTTP, and could be pointed at any official-account server. Its crypto and
its reading of replies are written apart from the bot's, so that each checks
the other.
"""
