"""Staff answer calls for help, complaints, and requests to be put in touch."""
