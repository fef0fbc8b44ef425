"""Helpers play WeChat, servers and processes for the tests; beside them stand the tests of people in touch."""
