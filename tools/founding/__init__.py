"""The parts of tools/experiment: what its rows are, and how their results are shown.

- `rows`    the four firewalls, and one row from set-up to counts
- `report`  the table, the judgement, the JSON
- `plot`    completed connections over time, as SVG
"""
