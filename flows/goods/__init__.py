"""People offer and request goods, step by step."""
