"""Amounts as banks write them."""


def formal(words: str) -> str:
    """The same number in the figures that banks use: 壹拾贰万."""
    if words.startswith("十"):
        words = "一" + words
    return words.translate(str.maketrans("一二两三四五六七八九十百千", "壹贰贰叁肆伍陆柒捌玖拾佰仟"))
