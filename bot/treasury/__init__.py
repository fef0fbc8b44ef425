"""These processes fetch the pay channel's bills and reconcile them."""
