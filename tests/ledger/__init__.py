"""The ledger takes what adds up, once, and shows any change."""
