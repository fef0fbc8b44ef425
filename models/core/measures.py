"""Name the Chinese measures in which goods and land are kept."""

# Grams in a 斤.
JIN = 500
# 亩 are kept as hundredths.
MU = 100
