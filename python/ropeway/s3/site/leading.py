"""Where the redirects of a site lead: a path in `_redirects` is one of the site, and visitors may find the site below another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote, urlsplit

from ropeway.errors import InputError
from ropeway.outcome import listing
from ropeway.s3.site.inputs import ReleasingInputs
from ropeway.s3.site.invalidating import Edges
from ropeway.s3.site.plan import Target
from ropeway.s3.site.redirects import FILE
from ropeway.s3.site.set_up import WebsiteInputs
from ropeway.s3.site.source import SiteObject


def led(objects: Sequence[SiteObject], target: Target, given: ReleasingInputs, edges: Edges) -> tuple[SiteObject, ...]:
    """With redirects to paths as visitors must be told them. Raises InputError where nobody says where visitors find the site."""
    paths = [one for one in objects if one.headers.website_redirect.startswith("/")]
    if not paths or not target.prefix:
        return tuple(objects)
    base = _base(target, given, edges, paths[0])
    return tuple(_led(one, base) for one in objects)


def unheeded(objects: Sequence[SiteObject], target: Target, edges: Edges) -> Iterator[str]:
    """A warning for each distribution that shows redirects as what they are in the bucket: pages without a word. Code at the edge may make
    redirects of them.

    S3 user guide, "Configuring a webpage redirect": the website endpoint alone redirects.
    """
    found = [target.address(one.key) for one in objects if one.headers.website_redirect]
    for one in edges.distributions if found else ():
        if one.paths_into(target.bucket) and not (one.by_website(target.bucket) or one.has_functions):
            yield (
                f"The distribution {one.id} reads the bucket without its website endpoint, and shows empty pages where redirects are: "
                f"{listing(found)}. Let its origin be the website endpoint, or redirect by a CloudFront function."
            )


def _led(one: SiteObject, base: str) -> SiteObject:
    leads = one.headers.website_redirect
    if not base or not leads.startswith("/"):
        return one
    return replace(one, headers=replace(one.headers, website_redirect=base + leads))


def _base(target: Target, given: ReleasingInputs, edges: Edges, example: SiteObject) -> str:
    """The path of the site's root as visitors see it, without a slash at the end."""
    if given.site_url:
        return urlsplit(given.site_url).path.rstrip("/")
    bases = {base for one in edges.distributions for base in one.bases_of(target.bucket, target.prefix)}
    if not bases and isinstance(given, WebsiteInputs) and given.website:
        return _quoted(target.prefix)
    if len(bases) == 1:
        return bases.pop()
    problem = (
        f"{FILE} leads to {example.headers.website_redirect}, and nothing says under which path visitors find s3://{target.bucket}/{target.prefix}. "
        "Nothing was changed."
    )
    raise InputError([problem]).advised("Set siteUrl, or let redirects lead to whole addresses (https://host/path).")


def _quoted(path: str) -> str:
    bare = path.strip("/")
    return f"/{quote(bare)}" if bare else ""
