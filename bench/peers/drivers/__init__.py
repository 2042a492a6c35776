"""Small honest programs on libraries that have no command line: `python -m bench.peers.drivers.NAME up|down|same FOLDER URL LATENCY`.

They do what a user would write by the library's documents: the whole folder below one prefix, many objects at a time, `same` lists
the bucket and compares sizes and times as the AWS CLI does. They run in the peers' environment and know nothing of Ropeway.
"""
