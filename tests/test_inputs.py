"""Inputs are read once, and everything that is wrong with them is said at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway import inputs
from ropeway.errors import InputError
from ropeway.inputs import NamedRule, Rule, Spelling, camel, declared, hyphens, read
from ropeway.tasks.s3_download import S3DownloadInputs
from ropeway.tasks.s3_upload import S3UploadInputs


def _no_x(value: str) -> None:
    if "x" in value:
        raise ValueError(f"{value!r} holds an x.")


def _short_name(name: str, value: str) -> None:
    if len(name) > 3:
        raise ValueError(f"{name!r} is too long for {value!r}.")


@dataclass(frozen=True, kw_only=True)
class Sandwich:
    """One input of each kind."""

    bread: str = inputs.text("Bread", "Which.", required=True)
    folder: str = inputs.path("Folder", "Where.", default="kitchen")
    toasted: bool = inputs.flag("Toasted", "Or not.")
    warm: bool = inputs.flag("Warm", "Or not.", default=True)
    slices: int = inputs.number("Slices", "How many.", default=2, at_least=1, at_most=12)
    cheese: str = inputs.choice(
        "Cheese", "Which.", choices={"brie": "Brie", "Cheddar": "Cheddar"}, default="brie", synonyms={"yes": "Cheddar"}
    )
    sauce: str = inputs.choice("Sauce", "Any.", choices={"mayo": "Mayo"}, default="mayo", open_choices=True)
    layers: tuple[str, ...] = inputs.lines("Layers", "One a line.", default="butter")
    labels: tuple[Rule, ...] = inputs.rules("Labels", "glob=value.", check=_no_x)
    notes: tuple[NamedRule, ...] = inputs.named_rules("Notes", "glob=name=value.", check=_short_name)

    def problems(self, spell: Spelling) -> Iterator[str]:
        if self.toasted and self.bread == "rye":
            yield f"{spell('toasted')} does not go with {spell('bread')} rye."
        if self.slices > 6 and not self.warm:
            yield f"{spell('slices')} is too much when {spell('warm')} is false."


def made(**texts: str) -> Sandwich:
    return read(Sandwich, {"bread": "rye"} | texts, camel)


def refused(of=Sandwich, spell=camel, **texts: str) -> tuple[str, ...]:
    with pytest.raises(InputError) as error:
        read(of, texts, spell)
    return error.value.problems


def wrong(**texts: str) -> str:
    (problem,) = refused(**({"bread": "rye"} | texts))
    return problem


class TestNames:
    def test_an_input_is_camel_case_on_the_agent_and_hyphenated_on_the_command_line(self):
        assert (camel("kms_master_key_id"), hyphens("kms_master_key_id")) == ("kmsMasterKeyId", "--kms-master-key-id")
        assert (camel("tags"), hyphens("tags")) == ("tags", "--tags")

    def test_the_declared_inputs_keep_their_order_and_know_their_names(self):
        (first, *_, last) = declared(Sandwich)
        assert (first.field, first.name, first.option) == ("bread", "bread", "--bread")
        assert last.field == "notes"

    def test_a_problem_is_told_in_the_words_of_the_door(self):
        assert refused(spell=hyphens, bread="rye", toasted="true") == ("--toasted does not go with --bread rye.",)
        assert refused(spell=camel, bread="rye", toasted="true") == ("toasted does not go with bread rye.",)


class TestReading:
    def test_what_is_absent_or_empty_is_the_default(self):
        assert made() == made(folder="", toasted=" ", slices="\n", cheese="", layers="  ") == Sandwich(bread="rye")

    def test_a_required_input_that_is_absent_or_blank_is_named(self):
        assert refused() == refused(bread="  ") == ("bread is required.",)

    def test_texts_are_trimmed(self):
        assert made(bread="  rye bread ", folder=" a b ").bread == "rye bread"

    @pytest.mark.parametrize("word", ["true", "True", "TRUE", " tRuE "])
    def test_a_boolean_is_true_in_any_case(self, word):
        assert made(bread="white", toasted=word).toasted is True

    @pytest.mark.parametrize("word", ["false", "False", "FALSE", "fAlse\n"])
    def test_a_boolean_is_false_in_any_case(self, word):
        assert made(warm=word).warm is False

    @pytest.mark.parametrize("word", ["yes", "1", "on", "tru", "$(toast)"])
    def test_another_word_is_no_boolean(self, word):
        assert wrong(toasted=word) == f"toasted is {word!r}, which is neither true nor false."

    @given(st.integers(1, 12))
    def test_a_number_within_its_bounds_is_taken(self, number):
        assert made(slices=f" {number} ").slices == number

    @given(st.integers().filter(lambda number: not 1 <= number <= 12))
    def test_a_number_out_of_its_bounds_is_told_them(self, number):
        assert wrong(slices=str(number)) == f"slices is {number}; it must lie between 1 and 12."

    @pytest.mark.parametrize("word", ["two", "2.5", "0x2", "1e1"])
    def test_what_is_no_whole_number_is_told_so(self, word):
        assert wrong(slices=word) == f"slices is {word!r}, which is not a whole number."

    def test_lines_are_trimmed_and_blank_ones_dropped_and_comments_kept(self):
        assert made(layers=" salad \r\n\r\n# not this\n\tegg").layers == ("salad", "# not this", "egg")

    @given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), min_size=1))
    def test_lines_come_back_as_they_were_written(self, written):
        assert made(layers="\n".join(written)).layers == tuple(written)

    def test_an_open_choice_takes_any_text(self):
        assert made(sauce="Mustard").sauce == "Mustard"


class TestChoices:
    @pytest.mark.parametrize("word", ["cheddar", "CHEDDAR", " Cheddar "])
    def test_a_choice_is_taken_in_any_case_and_given_back_in_its_own(self, word):
        assert made(cheese=word).cheese == "Cheddar"

    @pytest.mark.parametrize("word", ["yes", "Yes"])
    def test_an_older_word_means_the_newer_one(self, word):
        assert made(cheese=word).cheese == "Cheddar"

    def test_a_slip_is_told_the_nearest_right_one_and_all_of_them(self):
        assert wrong(cheese="chedar") == "cheese is 'chedar'; did you mean Cheddar? It takes brie, Cheddar."

    def test_what_is_near_to_none_is_told_all_of_them(self):
        assert wrong(cheese="?") == "cheese is '?'; it takes brie, Cheddar."


class TestRules:
    def test_a_rule_has_its_pattern_its_value_and_its_line(self):
        assert made(labels="# first\n\n a/** = warm = yes \n*=cold").labels == (
            Rule("a/**", "warm = yes", 3),
            Rule("*", "cold", 4),
        )

    @pytest.mark.parametrize("line", ["nothing", "=value", "glob=", "= "])
    def test_a_line_that_is_no_rule_is_told_its_number_and_an_example(self, line):
        assert wrong(labels=f"a=b\n{line}\nc") == (
            f"labels line 2 is {line.strip()!r}; write it as glob=value, for example **/*.html=no-cache."
        )

    def test_a_glob_holds_an_equals_sign_in_brackets(self):
        assert made(labels="year[=]2026/**=age=60\n[=]=[=]").labels == (
            Rule("year[=]2026/**", "age=60", 1),
            Rule("[=]", "[=]", 2),
        )
        assert made(notes="a[=]b/*=who=[=]").notes == (NamedRule("a[=]b/*", "who", "[=]", 1),)

    @pytest.mark.parametrize("glob", ["year=2026/**", "**/year=2026/*.css"])
    def test_a_glob_that_would_end_in_its_middle_is_told_how_to_write_it(self, glob):
        pattern, _, rest = f"{glob}=max-age=60".partition("=")
        assert wrong(labels=f"{pattern}={rest}") == (
            f"labels line 1 is '{glob}=max-age=60': its glob ends at the first =, so that its value would be {rest!r}. "
            "Write a = of the glob as [=]."
        )

    def test_a_value_that_can_never_do_is_told_its_line(self):
        assert wrong(labels="a=b\n\n*=wax") == "labels line 3: 'wax' holds an x."

    def test_a_named_rule_has_pattern_name_value_and_line(self):
        assert made(notes="\n** = who = you = me\n*=a=").notes == (
            NamedRule("**", "who", "you = me", 2),
            NamedRule("*", "a", "", 3),
        )

    @pytest.mark.parametrize("line", ["**", "**=a", "=a=b", "**==b"])
    def test_a_line_that_is_no_named_rule_is_told_its_number_and_an_example(self, line):
        assert wrong(notes=line) == f"notes line 1 is {line!r}; write it as glob=name=value, for example **=team=web."

    def test_a_name_that_can_never_do_is_told_its_line(self):
        assert wrong(notes="a=b=c\n*=long=d") == "notes line 2: 'long' is too long for 'd'."

    def test_bytes_that_are_no_utf_8_are_for_the_names_of_files_only(self):
        assert wrong(bread="caf\udce9") == "bread holds bytes that are no UTF-8."
        assert wrong(labels="caf\udce9=tea\n*=caf\udce9") == "labels line 2: holds bytes that are no UTF-8."
        assert wrong(notes="*=a=caf\udce9") == "notes line 1: holds bytes that are no UTF-8."
        known = made(folder="caf\udce9", layers="!caf\udce9*")
        assert (known.folder, known.layers) == ("caf\udce9", ("!caf\udce9*",))

    def test_a_line_ends_where_yaml_and_the_agent_end_it(self):
        odd = "d\x0be\x0cf\x1cg\x85h\u2028i"
        assert made(layers=f"a\r\nb\rc\n{odd}").layers == ("a", "b", "c", odd)
        assert [rule.line for rule in made(labels=f"*={odd}\n*=a").labels] == [1, 2]

    PART = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="=#x["), min_size=1)

    @given(st.lists(st.tuples(PART, PART)))
    def test_rules_come_back_as_they_were_written(self, written):
        text = "\n".join(f"{pattern}={value}" for pattern, value in written)
        assert [(rule.pattern, rule.value) for rule in made(labels=text).labels] == written

    @given(st.lists(st.tuples(PART, st.sampled_from(["a", "bc"]), PART)))
    def test_named_rules_come_back_as_they_were_written(self, written):
        text = "\n".join("=".join(parts) for parts in written)
        assert [(rule.pattern, rule.name, rule.value) for rule in made(notes=text).notes] == written


class TestAllAtOnce:
    def test_every_input_that_cannot_be_read_is_named(self):
        assert refused(toasted="maybe", slices="0", cheese="x", labels="x") == (
            "bread is required.",
            "toasted is 'maybe', which is neither true nor false.",
            "slices is 0; it must lie between 1 and 12.",
            "cheese is 'x'; it takes brie, Cheddar.",
            "labels line 1 is 'x'; write it as glob=value, for example **/*.html=no-cache.",
        )

    def test_what_does_not_go_together_is_told_all_at_once(self):
        assert refused(bread="rye", toasted="true", slices="9", warm="false") == (
            "toasted does not go with bread rye.",
            "slices is too much when warm is false.",
        )

    def test_the_message_has_a_problem_a_line(self):
        with pytest.raises(InputError) as error:
            read(Sandwich, {"slices": "x"}, camel)
        assert str(error.value).splitlines() == [
            "bread is required.",
            "slices is 'x', which is not a whole number.",
        ]

    def test_inputs_that_were_read_do_not_change(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            made().bread = "white"


def upload(**texts: str) -> S3UploadInputs:
    return read(S3UploadInputs, {"bucket_name": "my-site"} | texts, camel)


def upload_refused(**texts: str) -> tuple[str, ...]:
    return refused(S3UploadInputs, **({"bucket_name": "my-site"} | texts))


KEY = "0123456789abcdef" * 4


class TestTheTasks:
    def test_what_a_toolkit_step_says_is_read_as_it_was_meant(self):
        read_back = upload(
            files_acl="Public-Read",
            storage_class="standard_ia",
            create_bucket="True",
            content_type="text/css",
        )
        assert (read_back.glob_expressions, read_back.files_acl) == (("**",), "public-read")
        assert (read_back.storage_class, read_back.create_bucket) == ("STANDARD_IA", True)

    @pytest.mark.parametrize("blank", ["", " \n\t"])
    def test_globs_that_nobody_has_set_do_not_mean_all_files(self, blank):
        assert upload_refused(glob_expressions=blank) == (
            "globExpressions is empty, and would mean nothing; leave it out, or write **.",
        )

    @pytest.mark.parametrize(("word", "meaning"), [("true", "always"), ("False", "never"), ("changed", "changed")])
    def test_the_toolkits_words_for_overwriting_are_taken(self, word, meaning):
        assert read(S3DownloadInputs, {"bucket_name": "b-1", "overwrite": word}, camel).overwrite == meaning

    def test_a_misspelt_storage_class_is_told_the_right_one(self):
        (problem,) = upload_refused(storage_class="GLACIR_IR")
        assert problem.startswith("storageClass is 'GLACIR_IR'; did you mean GLACIER_IR? It takes STANDARD, ")

    def test_both_connections_are_refused(self):
        assert upload_refused(aws_connection="a", aws_credentials="b") == (
            "awsConnection and awsCredentials are both set: keep one of the two connections.",
        )

    def test_an_account_id_has_twelve_digits(self):
        assert upload(allowed_account_ids="123456789012\n000000000000").allowed_account_ids == (
            "123456789012",
            "000000000000",
        )
        assert upload_refused(allowed_account_ids="12345678901\n12345678901x") == (
            "allowedAccountIds holds '12345678901', which is no account id (12 digits).",
            "allowedAccountIds holds '12345678901x', which is no account id (12 digits).",
        )

    def test_an_endpoint_has_its_scheme(self):
        assert upload_refused(endpoint_url="s3.example.com") == (
            "endpointUrl is 's3.example.com'; it must begin with https:// (or http://).",
        )

    @pytest.mark.parametrize("name", ["my-site", "a.b.c", "arn:aws:s3:eu-west-1:123456789012:accesspoint/site"])
    def test_a_bucket_is_named_by_its_name_or_by_an_access_point(self, name):
        assert upload(bucket_name=name).bucket_name == name

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("s3://my-site", "write the bucket's name alone, without s3://."),
            ("arn:aws:s3:::my-site", "of ARNs only access points' are taken."),
            ("my site", "which is no bucket's name"),
            ("ab", "which is no bucket's name"),
        ],
    )
    def test_what_is_no_bucket_is_told_why(self, name, why):
        (problem,) = upload_refused(bucket_name=name)
        assert problem.startswith(f"bucketName is {name!r}")
        assert why in problem

    def test_globs_that_only_take_out_are_refused(self):
        assert upload_refused(glob_expressions="!*.map\n# all") == (
            "globExpressions only takes files out: add a line such as ** that takes some in.",
        )

    @pytest.mark.parametrize("folder", ["../other", "a/./b", "a\\..\\b", ".."])
    def test_a_prefix_knows_no_dots(self, folder):
        assert upload_refused(target_folder=folder) == (
            f"targetFolder is {folder!r}: a key's prefix knows no . or .. folders.",
        )

    def test_a_metadata_name_must_be_able_to_be_a_header(self):
        (problem,) = upload_refused(metadata="**=team=web\n**=te am=web")
        assert problem.startswith("metadata line 2: 'te am' cannot be the name of a metadata entry")

    def test_a_tag_that_is_too_long_is_told_the_limits(self):
        (problem,) = upload_refused(tags=f"**={'n' * 129}=v")
        assert problem.endswith("is too long: a name has at most 128 characters, a value 256.")


class TestHalfSetEncryption:
    def test_a_whole_one_is_taken(self):
        assert upload(key_management="customerManaged", customer_key=KEY).customer_key == KEY
        assert upload(key_management="awsManaged", kms_master_key_id="alias/site").kms_master_key_id == "alias/site"

    @pytest.mark.parametrize("of", [S3UploadInputs, S3DownloadInputs])
    def test_a_customer_key_is_required_when_the_customer_manages_it(self, of):
        assert refused(of, bucket_name="my-site", key_management="customerManaged") == (
            "customerKey is required when keyManagement is customerManaged.",
        )

    def test_a_customer_key_without_its_management_is_refused(self):
        assert upload_refused(customer_key=KEY) == (
            "customerKey is set, but keyManagement is none, not customerManaged.",
        )

    def test_a_customer_key_does_not_travel_in_the_clear(self):
        texts = {"key_management": "customerManaged", "customer_key": KEY, "endpoint_url": "http://127.0.0.1:9"}
        assert upload_refused(**texts) == ("customerKey would travel in the clear: endpointUrl is not https.",)

    @pytest.mark.parametrize(
        ("key", "why"),
        [
            ("secret-in-clear", "is not written in hex digits."),
            (KEY[:-2], "holds 248 bits; SSE-C takes 256 (64 hex digits)."),
        ],
    )
    def test_a_customer_key_that_is_none_is_told_why_without_being_shown(self, key, why):
        assert upload_refused(key_management="customerManaged", customer_key=key) == (f"customerKey {why}",)

    @pytest.mark.parametrize("texts", [{}, {"key_management": "awsManaged", "encryption_algorithm": "AES256"}])
    def test_a_kms_key_needs_kms(self, texts):
        assert upload_refused(kms_master_key_id="alias/site", **texts) == (
            "kmsMasterKeyId is set, but that needs keyManagement awsManaged and encryptionAlgorithm KMS.",
        )

    def test_a_secret_is_not_in_what_the_inputs_print(self):
        assert KEY not in repr(upload(key_management="customerManaged", customer_key=KEY))


# --- documents and assignments ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What has several lines."""

    text: str = inputs.document("Text", "What is written.")
    words: tuple[inputs.Pair, ...] = inputs.assignments("Words", "What they stand for.")

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from ()


def test_a_document_stays_as_it_is():
    text = "a:\n  b: 1\n\n# c\n"
    assert read(Letter, {"text": text}, camel).text == text
    assert read(Letter, {"text": " \n "}, camel).text == ""


def test_an_assignment_may_hold_more_signs_of_equality_and_nothing_at_all():
    told = read(Letter, {"words": "url = https://a/?b=c\n\n# no\nnone="}, camel).words
    assert [(pair.name, pair.value, pair.line) for pair in told] == [("url", "https://a/?b=c", 1), ("none", "", 4)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a", "words line 1 is 'a'; write it as name=value."),
        ("=a", "words line 1 is '=a'; write it as name=value."),
        ("a=1\nb=2\na=3", "words line 3 is about a again, as line 1."),
    ],
)
def test_what_is_no_assignment_is_refused(text, told):
    with pytest.raises(InputError) as wrong:
        read(Letter, {"words": text}, camel)
    assert wrong.value.problems == (told,)
