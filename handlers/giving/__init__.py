"""The giving room's commands: donors begin pledges, and fund holders see matching pools."""
