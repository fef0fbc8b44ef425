"""People speak instead of typing: a recogniser turns a voice into words, and its owner says whether they are right."""
