"""The proxy room's commands: officers act for residents, and residents list, confirm and deny those acts."""
