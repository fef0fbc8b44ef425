"""Lead a conversation step by step, without knowing the database or WeChat."""
