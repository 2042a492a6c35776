"""Servers as a visitor meets them: in bounded time and memory, through the proxy where there is one."""
