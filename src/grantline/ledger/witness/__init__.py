"""A small witness that anybody can run: it remembers one state of each log, and cosigns nothing but continuations."""
