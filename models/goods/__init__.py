"""People offer goods that they no longer need, and others request them."""
