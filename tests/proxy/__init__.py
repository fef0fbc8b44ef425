"""Nobody acts for a resident without a live consent."""
