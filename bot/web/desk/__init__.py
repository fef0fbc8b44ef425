"""The desk: web pages for officers and fund holders, to look at what waits for them. Decisions stay in the chat."""
