"""The process's side of disbursements: what follows from one, page by page."""
