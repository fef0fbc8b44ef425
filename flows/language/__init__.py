"""The language tables read numerals, keywords, norms and kinds of goods as people write them."""
