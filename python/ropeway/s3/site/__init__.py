"""Releases of a static site: what is in a bucket below a prefix becomes what is in a folder, and can be taken back.

1. `source` reads the folder: each file becomes one object (`objects`): key, bytes (compressed where that is smaller), headers, and its place in the order.
2. The order (`order`): fingerprinted assets, other files, pages, the first page, workers. A group ends before the next begins; deletes
   come last. So a page that is there names only what is there, and old pages find their assets until the new ones are live.
3. What a name says (`fingerprints`) decides how long a browser may keep a file. To take a word for a fingerprint freezes a file for a year, so that
   in doubt a name is none; in doubt an old file is kept, too.
4. A manifest (`s3.state.manifest`) tells every object of a release with its SHA-256, headers and version. It is written once, after the objects. Which
   release is live stands in one small object, changed by compare-and-swap (`s3.state.releases`).
5. A lock (`s3.state.lock`) keeps a second deployer out. Whoever was stopped past its expiry and wakes, stops.
6. The plan compares source, manifest and one listing: what the listing shows as it was left costs no request of its own.
"""
