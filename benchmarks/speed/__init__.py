"""Repeatable measurements of fusebench's own speed: each compares side by side in one run and prints ratios."""
