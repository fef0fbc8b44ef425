"""The pages at which people give and pay, and what WeChat Pay calls."""
