"""The simulator of WeChat and its pay platform behaves as their pages say."""
