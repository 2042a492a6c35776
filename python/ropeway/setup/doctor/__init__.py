"""Why does it not work? Each link of the chain from this machine to a bucket is tried, and one that is broken is named with the way to mend it.

`link` is what a link is, and the way through them; `case` what several of them look at; `machine`, `organization`, `account` and `places` hold the links, in the
order of the chain. `chain` is all of them.
"""
