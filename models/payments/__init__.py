"""The pay channel collects gifts and refunds them; what cannot be placed waits in suspense."""
