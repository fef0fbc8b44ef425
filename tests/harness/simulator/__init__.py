"""The simulator of WeChat in a test's own process, and a browser at its page."""
