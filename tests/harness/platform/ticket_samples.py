"""A signature from WeChat's documentation."""

# The example of the JS-SDK page, appendix 1.
OFFICIAL = (
    "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg",
    "Wm3WZYTPz0wzccnW",
    "1414587457",
    "http://mp.weixin.qq.com?params=value",
)
