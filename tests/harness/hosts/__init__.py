"""Several machines on one: a network of namespaces, and the servers that run in them."""
