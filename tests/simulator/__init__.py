"""The stand-in for WeChat and its pay platform behaves as their pages say."""
