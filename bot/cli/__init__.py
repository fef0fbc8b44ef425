"""Operators run the program from the command line, and chat with it in a terminal."""
