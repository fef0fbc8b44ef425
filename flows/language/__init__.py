"""Read people's words by the tables of config/: numerals, keywords, norms and sorts of goods."""
