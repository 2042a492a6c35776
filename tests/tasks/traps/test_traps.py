"""Each trap of the AWS Toolkit, and the tests that show what happens instead. Those that stand elsewhere are not written again."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from ropeway.migrate.differences import DIFFERENCES
from ropeway.migrate.toolkit import COVERED

TESTS = Path(__file__).parents[2]

BUCKET = "tasks/traps/test_bucket.py::"
GLOBS = "tasks/traps/test_globs.py::"
OPEN_FILES = "tasks/traps/test_open_files.py::"
UPLOAD = "tasks/test_s3_upload.py::"
DOWNLOAD = "tasks/test_s3_download.py::"
INPUTS = "test_inputs.py::"
CREDENTIALS = "aws/test_credentials.py::"
FEDERATION = "azure/test_federation.py::"
PROXIES = "aws/test_proxies.py::"

TRAPS: Mapping[str, tuple[str, ...]] = {
    # Both tasks.
    "no-match": (
        f"{UPLOAD}test_no_match_is_an_error_unless_it_was_allowed",
        f"{DOWNLOAD}test_no_match_is_an_error_unless_it_was_allowed",
    ),
    "flatten-collision": (
        f"{UPLOAD}test_two_files_that_flatten_to_one_name_are_refused_before_anything_is_sent",
        f"{DOWNLOAD}test_flattening_and_its_collisions",
    ),
    "bucket-test": (
        f"{BUCKET}test_what_the_store_answers_is_told_as_it_is",
        f"{BUCKET}test_a_store_that_is_not_there_is_no_absent_bucket",
        f"{BUCKET}test_a_proxy_that_is_not_there_is_no_absent_bucket",
        f"{BUCKET}test_a_certificate_that_is_not_trusted_is_no_absent_bucket",
    ),
    "first-failure": (
        "s3/test_boto_upload.py::test_what_is_in_flight_when_another_object_fails_still_arrives",
        "azure/test_main.py::test_an_outcome_that_failed_ends_it_with_the_reason_and_what_was_done",
        "azure/test_summary.py::test_a_failure_tells_its_reason_and_each_thing_that_failed",
        "azure/test_record.py::test_the_list_has_a_json_object_a_line_for_each_step",
    ),
    "own-ending": (
        "vsix/test_dying.py::test_a_task_that_dies_in_any_way_has_failed",
        "azure/test_main.py::test_an_exit_from_within_is_never_taken_for_success",
    ),
    "customer-key": (
        "azure/test_main.py::test_a_secret_input_is_masked_before_anything_else_is_said",
        f"{INPUTS}TestHalfSetEncryption::test_a_customer_key_that_is_none_is_told_why_without_being_shown",
    ),
    "leftover-inputs": (
        f"{INPUTS}TestHalfSetEncryption::test_a_kms_key_needs_kms",
        f"{INPUTS}TestHalfSetEncryption::test_a_customer_key_without_its_management_is_refused",
    ),
    "unknown-values": (
        f"{UPLOAD}test_bad_inputs_are_told_before_anything_is_asked_of_aws",
        "azure/test_inputs.py::test_what_is_no_boolean_is_an_error_where_task_lib_says_false",
    ),
    # Uploading.
    "acl": (f"{UPLOAD}test_no_acl_is_sent_unless_one_is_asked_for",),
    "leading-slash": (f"{UPLOAD}test_the_target_folder_is_a_prefix_however_it_is_written",),
    "target-dots": (
        f"{INPUTS}TestTheTasks::test_a_prefix_knows_no_dots",
        "migrate/test_values.py::test_folders_of_dots_are_resolved_as_far_as_they_can_be",
    ),
    "text-types": (
        f"{UPLOAD}test_content_types_are_those_of_today_with_a_charset_on_text",
        "s3/test_media_types.py::test_the_types_are_those_of_the_toolkits_table_but_for_the_ones_named_here",
    ),
    "cache-control-lines": (
        f"{UPLOAD}test_bad_inputs_are_told_before_anything_is_asked_of_aws",
        "s3/test_globs.py::test_a_rule_that_takes_files_out_is_refused",
    ),
    "broken-link": (
        f"{UPLOAD}test_links_are_followed_and_a_broken_one_matters_only_when_it_matches",
        f"{GLOBS}test_a_broken_link_where_no_glob_looks_is_none_of_its_business",
    ),
    "braces-upload": (f"{GLOBS}test_braces_are_text_and_groups_are_not_up",),
    "create-bucket": (
        f"{BUCKET}test_no_bucket_is_created_because_it_could_not_be_asked",
        f"{UPLOAD}test_the_bucket_is_made_only_when_asked",
    ),
    "algorithm-in-another-case": (f"{UPLOAD}test_the_encryption_that_a_word_names_is_asked_for_in_any_case",),
    "management-in-another-case": (f"{UPLOAD}test_the_encryption_that_a_word_names_is_asked_for_in_any_case",),
    "list-permission": (f"{BUCKET}test_who_may_write_uploads_without_listing_and_creates_no_bucket",),
    "one-at-a-time": ("bench/test_null_s3.py::test_at_least_16_requests_are_in_flight_at_once_in_both_directions",),
    # Downloading.
    "sibling-prefix": (
        f"{DOWNLOAD}test_a_source_folder_is_a_folder_not_a_beginning_of_names",
        f"{GLOBS}test_what_begins_with_a_text_is_had_by_the_globs",
    ),
    "slash-at-the-end": (f"{GLOBS}test_a_slash_after_the_source_folder_takes_nothing_off_the_names",),
    "slash-at-the-beginning": (
        f"{DOWNLOAD}test_a_source_folder_is_a_folder_not_a_beginning_of_names",
        f"{DOWNLOAD}test_no_key_writes_outside_the_target_folder",
    ),
    "dot-keys": (f"{GLOBS}test_names_that_begin_with_a_dot_come_along_and_can_be_taken_out",),
    "exclusions": (f"{DOWNLOAD}test_globs_start_at_the_source_folder_and_exclude_in_order",),
    "braces-download": (
        f"{GLOBS}test_braces_are_text_and_groups_are_not_down",
        "migrate/test_values.py::test_lists_in_braces_become_groups",
    ),
    "twice": (f"{GLOBS}test_a_key_that_two_lines_pick_is_fetched_once",),
    "folder-markers": (f"{DOWNLOAD}test_folder_markers_are_no_files",),
    "listing-error": (f"{BUCKET}test_a_bucket_whose_listing_breaks_off_is_not_taken_for_a_smaller_one",),
    "never-overwrite": (f"{DOWNLOAD}test_never_overwriting_fails_before_anything_is_written",),
    "half-files": (
        "s3/test_boto_download.py::test_the_file_that_was_there_stays_as_it_was_when_the_download_fails",
        "s3/test_boto_download.py::test_an_answer_that_breaks_off_again_and_again_is_an_error_and_leaves_nothing",
        "vsix/test_cancelling.py::test_a_cancelled_download_leaves_no_half_file",
    ),
    "open-files": (f"{OPEN_FILES}test_more_keys_than_files_may_be_open_come_whole",),
    "integrity": ("s3/test_boto_download.py::test_bytes_that_are_not_those_of_the_checksum_are_not_kept",),
    "outside": (f"{DOWNLOAD}test_no_key_writes_outside_the_target_folder",),
    # Credentials.
    "fall-through": (
        "azure/test_endpoints.py::test_a_connection_that_the_agent_did_not_hand_over_is_an_error_and_no_fall_through",
        f"{CREDENTIALS}test_the_keys_of_a_connection_sign_and_not_the_hosts",
        f"{CREDENTIALS}test_a_connection_that_cannot_work_is_refused_at_once_and_named",
        "azure/test_who_does_not_sign.py::test_what_is_set_and_broken_fails_as_itself_and_nobody_else_signs",
    ),
    "federation-extras": (
        "azure/test_who_does_not_sign.py::test_federation_that_cannot_work_is_refused_before_anything_is_sent",
    ),
    "oauth-token": (f"{FEDERATION}test_no_variable_has_to_hold_the_access_token",),
    "external-id": (f"{CREDENTIALS}test_a_role_without_keys_is_assumed_by_the_host",),
    "leftover-external-id": (
        "azure/test_who_does_not_sign.py::test_what_is_set_and_broken_fails_as_itself_and_nobody_else_signs",
        f"{CREDENTIALS}test_a_connection_that_cannot_work_is_refused_at_once_and_named",
    ),
    "role-variable": (
        "azure/test_who_signs.py::test_who_signs_is_who_should_and_is_said",
        f"{CREDENTIALS}test_a_role_without_keys_is_assumed_by_the_host",
    ),
    "expiry": (
        f"{CREDENTIALS}test_keys_that_run_out_are_renewed_while_the_task_runs",
        f"{FEDERATION}test_a_task_that_outlives_its_session_asks_for_a_new_token_and_a_new_session",
    ),
    "duration": ("azure/test_endpoints.py::test_a_duration_of_a_variable_that_sts_would_refuse_names_the_variable",),
    "session-name": (f"{CREDENTIALS}test_a_role_session_is_called_ropeway_and_has_no_external_id_unless_told",),
    "sts-region": ("aws/test_clients.py::test_sts_is_asked_in_the_region",),
    "masking": (
        "azure/test_main.py::test_a_secret_input_is_masked_before_anything_else_is_said",
        "aws/test_trace.py::test_no_secret_and_no_body_is_ever_told",
        f"{FEDERATION}test_of_all_that_a_task_prints_only_the_order_to_mask_them_shows_token_and_keys",
        "vsix/test_s3_tasks.py::test_a_wrong_secret_fails_with_its_reason_and_without_the_secret",
    ),
    # Region and network.
    "default-region": ("aws/test_region.py::test_the_first_source_that_names_a_region_counts",),
    "proxy-bypass": (
        f"{PROXIES}test_the_bypass_list_is_read_as_the_agent_reads_it",
        f"{PROXIES}test_the_environments_proxy_is_used_and_what_no_proxy_names_is_kept_from_it",
    ),
    "http-proxy": (f"{PROXIES}test_a_proxy_for_http_is_not_asked_for_https",),
    "proxy-password": (f"{PROXIES}test_any_user_and_password_reach_the_proxy_as_they_are",),
}
"""The name of a difference -> its tests."""

CHANGED_INPUTS: Mapping[str, tuple[str, ...]] = {
    "S3Upload targetFolder": (*TRAPS["leading-slash"], *TRAPS["target-dots"]),
    "S3Upload filesAcl": TRAPS["acl"],
    "S3Upload createBucket": TRAPS["create-bucket"],
    "S3Upload keyManagement": TRAPS["management-in-another-case"],
    "S3Upload encryptionAlgorithm": TRAPS["algorithm-in-another-case"],
    "S3Upload kmsMasterKeyId": (f"{UPLOAD}test_a_change_of_headers_alone_is_uploaded_again",),
    "S3Upload customerKey": TRAPS["customer-key"],
    "S3Upload flattenFolders": TRAPS["flatten-collision"],
    "S3Upload cacheControl": TRAPS["cache-control-lines"],
    "S3Download sourceFolder": TRAPS["slash-at-the-beginning"],
    "S3Download globExpressions": (*TRAPS["exclusions"], *TRAPS["dot-keys"], *TRAPS["braces-download"]),
    "S3Download targetFolder": (
        "vsix/test_s3_tasks.py::test_relative_and_empty_folders_start_where_the_host_has_its_files",
    ),
    "S3Download customerKey": TRAPS["customer-key"],
    "S3Download overwrite": (
        f"{DOWNLOAD}test_never_overwriting_fails_before_anything_is_written",
        f"{DOWNLOAD}test_always_overwriting_replaces",
        f"{DOWNLOAD}test_changed_files_are_replaced_and_equal_ones_left",
    ),
    "S3Download flattenFolders": TRAPS["flatten-collision"],
}
"""An input that changed -> its tests."""


def test_every_difference_of_the_docs_has_its_tests():
    assert list(TRAPS) == [difference.name for difference in DIFFERENCES]


def test_every_changed_input_of_the_docs_has_its_tests():
    changed = [f"{task.name} {given.name}" for task in COVERED for given in task.inputs if given.change]
    assert set(CHANGED_INPUTS) == set(changed)


@cache
def names_in(file: str) -> frozenset[str]:
    """The tests of a file, as pytest names them, without running it."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    classes = [(f"{node.name}::", node.body) for node in tree.body if isinstance(node, ast.ClassDef)]
    return frozenset(
        prefix + node.name
        for prefix, body in [("", tree.body), *classes]
        for node in body
        if isinstance(node, ast.FunctionDef)
    )


@pytest.mark.parametrize(
    "test", sorted({test for tests in (*TRAPS.values(), *CHANGED_INPUTS.values()) for test in tests})
)
def test_a_test_that_is_named_exists(test):
    file, _, name = test.partition("::")
    assert name.rpartition("::")[2].startswith("test_")
    assert name in names_in(file)
