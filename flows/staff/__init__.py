"""Lead staff through invitations, conflicts of interest and handovers."""
