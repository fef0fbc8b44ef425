"""This package renders answers in words, and loads the words that the program matches."""
