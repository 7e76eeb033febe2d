"""A budgeting web app as any developer would write it: its own pages, our client library, nothing else of ours."""
