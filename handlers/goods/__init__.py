"""People ask for goods and offer them by commands."""
