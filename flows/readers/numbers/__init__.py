"""Read numbers: money, weights, counts, days, and the numbers of people, phones and accounts."""
