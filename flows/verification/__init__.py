"""Officers report a visit, and neighbours object to a public notice, step by step."""
