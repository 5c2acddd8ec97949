"""Many cases: what to segment, one after the other with the model loaded once, and a report of the cohort.

`discover` finds the cases, `runner` goes through them, `one_case` does one, `record` keeps what is known of each in the
output folder (which is also what `--resume` goes by), `index`, `tables` and `report` tell of all.
"""
