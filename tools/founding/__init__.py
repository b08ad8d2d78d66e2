"""The parts of tools/experiment: what its rows are, and how their results are shown.

- `rows`         the four firewalls, and one row from set-up to counts
- `report`       the table, the judgement, the JSON
- `full_rows`    the five firewalls of --full, between the two ports of tools/traffic
- `full_report`  the arithmetic, the table, the judgement, the JSON of --full
- `plot`         completed connections over time, as SVG
"""
