"""The engine walks a conversation step by step, and knows neither database nor WeChat."""
