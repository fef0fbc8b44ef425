"""Read the figures of the market, and take the money of orders to the sellers' own accounts at WeChat Pay."""
