"""The county's desk on the web: who is signed in, from which browser, and the lists that staff read there."""
