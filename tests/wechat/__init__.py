"""The adapter speaks WeChat's protocol: door, messages, client, token, tickets, menus and fields."""
