"""A match is a part of an offer that is promised to one request, from the proposal until it is collected."""
