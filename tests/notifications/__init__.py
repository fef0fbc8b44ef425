"""Notifications reach people within WeChat's rules, each once."""
