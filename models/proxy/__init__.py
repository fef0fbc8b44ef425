"""Officers act for residents by mandate, and residents confirm or undo what was done."""
