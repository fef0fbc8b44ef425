"""An appeal's money goes where it was meant to, by the word of three people."""
