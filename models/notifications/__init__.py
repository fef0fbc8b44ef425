"""The account notifies people: what is said to whom, over which WeChat channel, and what became of it."""
