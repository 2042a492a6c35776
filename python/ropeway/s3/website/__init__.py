"""A bucket becomes a website: its settings, a bucket that redirects to it, alias records, and public access where that is asked for.

What is there is read first, and what people have set stays: of a policy only the statement with our Sid is ours, routing rules that are not
asked for are not dropped, a record of another kind is a conflict. The plan says of each setting whether it is new, differs or is as it should be.

1. `wanted`: what is asked for.           2. `endpoints`: AWS's table of website endpoints.
3. `rules`: routing rules.                4. `documents`: what a setting of a bucket would become, from what it is.
5. `settings`: reading and writing them.  6. `records`: hosted zones and alias records.
7. `planning`: the steps.                 8. `applying`: doing them, each over what was seen and nothing else.
"""
