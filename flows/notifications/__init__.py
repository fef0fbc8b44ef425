"""People are asked whether WeChat may bring them notifications."""
