"""Processes that run other people's code: started, watched, asked, and ended with their own."""
