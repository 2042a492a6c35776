"""The pages that a website shows by itself, for a folder and where there is none: by names that must be keys of the site."""

from __future__ import annotations

from collections.abc import Iterator

from ropeway.errors import InputError
from ropeway.s3.site.plan import SitePlan
from ropeway.s3.site.set_up import WebsiteInputs
from ropeway.s3.site.settings import SiteSettings
from ropeway.s3.site.source import key_of


def missing_pages(given: object, settings: SiteSettings, plan: SitePlan) -> Iterator[str]:
    """A warning of an error document that the site will not have. Raises InputError where S3 would find no folder's page."""
    if not (isinstance(given, WebsiteInputs) and given.website):
        return
    index, error = given.index_document, given.error_document.lstrip("/")
    if (key := key_of(index, settings)) != index:
        problem = f"indexDocument is {index}, which extensionless makes {key}: S3 would find no folder's page."
        raise InputError([problem]).advised("Nothing was changed. Call these pages index.html.")
    # What is deleted has no group, and changes; what is protected stays.
    left = {one.key for one in plan.steps if one.group is not None or not one.changes}
    if error and error not in left:
        key = key_of(error, settings)
        called = f"extensionless makes it {key}: write that" if key in left else "visitors see S3's own words instead"
        yield f"errorDocument is {error}, and the site has no such object: {called}."
