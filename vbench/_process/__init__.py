"""Processes that run third-party code: started, watched, asked, and ended with their own."""
