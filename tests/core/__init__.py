"""The foundations hold: the audit trail, encryption, apportionment, and what the tables guard by themselves."""
