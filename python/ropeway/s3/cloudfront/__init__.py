"""CloudFront keeps copies of a site: after a release those that are old are invalidated, and no others.

1. `paths`: the paths under which a changed object may be kept, as CloudFront wants them written.
2. `folding`: more paths than are wanted become wildcards, which cover them all.
3. `distributions`: what AWS says of a distribution: which of its origins are the bucket, and where in it they begin.
4. `journal`: what is still to be invalidated stands in the bucket from before the first change until CloudFront has done it. Whoever is
   stopped between leaves it to the next run.
5. `invalidating`: the plan, and doing it: asked once, waited for.
"""
