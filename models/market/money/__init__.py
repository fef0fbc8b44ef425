"""Take the money of orders: it goes from the buyer to the seller's own account at WeChat Pay, and never to ours."""
