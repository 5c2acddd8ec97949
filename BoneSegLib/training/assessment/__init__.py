"""What a model is worth: accuracy where there is truth, plausibility where there is none, and what unsettles it.

`assess` ties them: `accuracy` and `cleaning` need references, `label_free` and `false_bone` do not, `distortions` and
`robustness` spoil images on purpose, `page` writes the tables.
"""
