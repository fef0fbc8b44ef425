"""This process sorts goods anew when the table of sorts changes."""
