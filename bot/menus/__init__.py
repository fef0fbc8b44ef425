"""Publish the account's menus, and give its followers the tags by which WeChat chooses theirs."""
