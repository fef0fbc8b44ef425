"""check-books finds what is wrong, and nothing where all is right."""
