"""`FOLDER s3://BUCKET/PREFIX`: two places without option names, as people write them, put into the inputs they mean.

A task that has a source and a target folder takes both; the one that is a path is here, the other one in the bucket. What works on a site
takes its place, and the release if it asks for one. A task that has a suite takes its file.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping

import typer

from ropeway.cli.parameters import Asking
from ropeway.errors import InputError
from ropeway.inputs import declared, hyphens

SCHEME = "s3://"
HERE = "FOLDER"
THERE = "s3://BUCKET/PREFIX"
FOLDERS = {"source": "source_folder", "target": "target_folder"}
"""Argument -> the field it stands for."""
SITE = {"target": "target_folder"}
RELEASE = {"release": "release_id"}
ID = "ID"
FILE = "FILE"
SUITE = "suite_file"


def arguments(task: Asking) -> tuple[inspect.Parameter, ...]:
    kinds = {item.field: item for item in declared(task.inputs)}
    if SUITE in kinds:
        return (_suite(),)
    folders = FOLDERS if kinds.keys() >= {*FOLDERS.values()} else SITE
    if not kinds.keys() >= {"bucket_name", *folders.values()}:
        return ()
    places = [_argument(name, kinds[field].input.kind == "filePath") for name, field in folders.items()]
    return (*places, _release()) if folders is SITE and kinds.keys() >= {*RELEASE.values()} else tuple(places)


def _argument(name: str, here: bool) -> inspect.Parameter:
    help = (
        f"The same as `{hyphens(FOLDERS[name])}`."
        if here
        else f"The same as `--bucket-name` and `{hyphens(FOLDERS[name])}`."
    )
    argument = typer.Argument(None, metavar=HERE if here else THERE, help=help, show_default=False)
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=argument, annotation=str | None)


def _release() -> inspect.Parameter:
    argument = typer.Argument(None, metavar=ID, help="The same as `--release-id`.", show_default=False)
    return inspect.Parameter(
        "release", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=argument, annotation=str | None
    )


def _suite() -> inspect.Parameter:
    help = f"The same as `{hyphens(SUITE)}`."
    argument = typer.Argument(None, metavar=FILE, help=help, show_default=False)
    return inspect.Parameter("file", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=argument, annotation=str | None)


def placed(task: Asking, given: Mapping[str, object], texts: Mapping[str, str]) -> dict[str, str]:
    """`texts` with what the arguments say. Raises InputError when they are no places, or say other than the options."""
    said: dict[str, str] = {}
    for argument in arguments(task):
        if (text := given.get(argument.name)) is not None:
            said |= _fields(argument, str(text))
    if problems := list(_contradictions(said, texts)):
        raise InputError(problems)
    return {**texts, **said}


def _fields(argument: inspect.Parameter, text: str) -> dict[str, str]:
    metavar = argument.default.metavar
    if not text.strip():  # a script's "$DIST" that nobody has set must not mean the working directory
        raise InputError([f"The {argument.name} is empty; write it as {metavar}, or leave it out."])
    if metavar == FILE:
        return {SUITE: text}
    if metavar == ID:
        return {RELEASE[argument.name]: text}
    if text.startswith(SCHEME) != (metavar == THERE):
        wanted = "it must be a folder on this machine" if metavar == HERE else f"write it as {metavar}"
        raise InputError([f"The {argument.name} is {text!r}; {wanted}."])
    if metavar == HERE:
        return {FOLDERS[argument.name]: text}
    bucket, prefix = address(text)
    fields = {"bucket_name": bucket, FOLDERS[argument.name]: prefix}
    return {field: value for field, value in fields.items() if value}


def address(text: str) -> tuple[str, str]:
    """s3://bucket/some/prefix -> bucket and prefix; the bucket may be the ARN of an access point, which holds a `/`."""
    bucket, _, prefix = text.removeprefix(SCHEME).partition("/")
    if bucket.startswith("arn:") and bucket.endswith(":accesspoint"):
        name, _, prefix = prefix.partition("/")
        bucket = f"{bucket}/{name}"
    return bucket, prefix


def _contradictions(said: Mapping[str, str], texts: Mapping[str, str]) -> Iterator[str]:
    for field, value in said.items():
        if (other := texts.get(field, value)) != value:
            yield f"{hyphens(field)} is {other!r}, but the arguments say {value!r}: give it once."
