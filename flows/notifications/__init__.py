"""Ask people whether WeChat may send them notifications."""
