"""Cutting JSON: named fields of named records pass exactly, nothing else does."""

import pytest

from grantline.gateway.minimiser import Cutter, Unfilterable
from grantline.model.decision import FieldFilter, RecordRule

SECRET = "m4rker"


def cut(body: str, **parts: object) -> str:
    return Cutter(FieldFilter(**{"records": (), "fields": (("id",),), **parts})).document(body.encode()).decode()


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ('{"id":1,"x":"m4rker"}', '{"id":1}'),
        ('[{"id":1,"x":"m4rker"},{"x":{"id":"m4rker"}}]', '[{"id":1},{}]'),
        ('{"x":"m4rker"}', "{}"),
        ("null", "null"),
        ("[]", "[]"),
        ('{"\\u0069d":1,"ID":"m4rker","i\\u0064 ":"m4rker"}', '{"id":1}'),
        ('{"id":"m4rker","id":1}', '{"id":1}'),
        ('{"x":{"id":"m4rker","x":[{"id":"m4rker"}]},"id":null}', '{"id":null}'),
    ],
)
def test_only_named_fields_pass(body, kept):
    """Of repeated members the last counts; names match as JSON reads them, not as they are spelt."""
    assert cut(body) == kept


def test_a_granted_field_below_another_passes_without_its_neighbours():
    body = '{"other":{"name":"A","iban":"m4rker"},"list":[{"name":"B","iban":"m4rker"},{"iban":"m4rker"}]}'
    assert cut(body, fields=(("other", "name"), ("list", "name"))) == '{"other":{"name":"A"},"list":[{"name":"B"},{}]}'


def test_a_path_that_begins_another_passes_whole():
    assert cut('{"a":{"b":1,"c":2},"d":3}', fields=(("a", "b"), ("a",))) == '{"a":{"b":1,"c":2}}'


@pytest.mark.parametrize(
    "value",
    [
        "123456789012345678901234567890",
        "0.10",
        "1e400",
        "-0.0",
        "12345678901234567.890",
        '"\\u00e9\\ud83d\\ude00"',
        '{ "b": [1, 2.50] }',
        "true",
    ],
)
def test_values_pass_exactly_as_they_came(value):
    assert cut(f'{{"x":0, "id": {value} }}') == f'{{"id":{value}}}'


def test_records_are_cut_in_their_envelope_and_the_envelope_to_its_named_members():
    body = '{"next":"p2","total":"m4rker","transactions":[{"id":1,"x":"m4rker"}]}'
    kept = cut(body, records=("transactions",), envelope=("next",))
    assert kept == '{"transactions":[{"id":1}],"next":"p2"}'


def test_an_envelope_name_never_widens_the_records():
    body = '{"transactions":[{"id":1,"x":"m4rker"}]}'
    assert cut(body, records=("transactions",), envelope=("transactions",)) == '{"transactions":[{"id":1}]}'


def test_a_repeated_record_list_passes_cut():
    body = '{"data":{"items":[{"id":1,"x":"m4rker"}]},"data":{"items":[{"id":2,"x":"m4rker"}]}}'
    assert cut(body, records=("data", "items")) == '{"data":{"items":[{"id":2}]}}'


@pytest.mark.parametrize("name", ["class", "a b", "ä", "", "0", "__class__"])
def test_any_text_can_name_a_field(name):
    assert cut(f'{{"{name}":1,"x":2}}', fields=((name,),)) == f'{{"{name}":1}}'


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb"])
def test_a_name_that_cannot_be_matched_surely_is_refused(name):
    with pytest.raises(Unfilterable):
        cut("{}", fields=((name,),))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b'"m4rker"',
        b"7",
        b'{"id":1',
        b'{"id":1}}',
        b'{"id":1} m4rker',
        b'{"id":1}{"id":2}',
        b"[[1]]",
        b'[{"id":1},"m4rker"]',
        b'{"id":NaN}',
        b"{'id':1}",
        b'{"id":1,}',
        b'\xef\xbb\xbf{"id":1}',
        '{"id":1}'.encode("utf-16"),
        '{"id":1}'.encode("utf-16-le"),
        b'{"id":1,"x":"\xff\x22m4rker"}',
        b'{"id":"\xc0\xa2m4rker"}',
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"[" * 100_000,
        b"<html>m4rker</html>",
    ],
)
def test_what_is_not_surely_this_shape_of_json_is_refused(body):
    with pytest.raises(Unfilterable):
        Cutter(FieldFilter(records=(), fields=(("id",),))).document(body)


def test_a_scalar_where_fields_below_were_granted_is_refused():
    with pytest.raises(Unfilterable):
        cut('{"other":"m4rker"}', fields=(("other", "name"),))


def test_nothing_granted_leaves_nothing():
    assert cut('[{"id":"m4rker"}]', fields=()) == "[{}]"


class TestRecordsById:
    RULE = (RecordRule(path=("id",), allowed=frozenset({"a1", "7"})),)

    @pytest.mark.parametrize(
        ("record", "stays"),
        [
            ('{"id":"a1","name":"N"}', True),
            ('{"id":7,"name":"N"}', True),
            ('{"id":"a2","name":"m4rker"}', False),
            ('{"name":"m4rker"}', False),
            ('{"id":null,"name":"m4rker"}', False),
            ('{"id":["a1"],"name":"N"}', True),
            ('{"id":["a1","a2"],"name":"m4rker"}', False),
            ('{"id":{"id":"a1"},"name":"m4rker"}', False),
            ('{"id":7.0,"name":"m4rker"}', False),
            ('{"id":true,"name":"m4rker"}', False),
            ('{"id":"a1","name":"m4rker","id":"a2"}', False),
        ],
    )
    def test_records_of_other_resources_leave_the_list(self, record, stays):
        kept = cut(f'{{"accounts":[{record}]}}', records=("accounts",), fields=(("name",),), rules=self.RULE)
        assert kept == ('{"accounts":[{"name":"N"}]}' if stays else '{"accounts":[]}')

    def test_true_is_not_the_name_of_a_resource(self):
        rule = (RecordRule(path=("id",), allowed=frozenset({"True", "true", "1"})),)
        assert cut('[{"id":true}]', rules=rule) == "[]"

    def test_a_single_record_of_another_resource_becomes_null(self):
        assert cut('{"id":"a2"}', rules=self.RULE) == "null"
        assert cut('{"a":{"id":"a2"}}', records=("a",), rules=self.RULE) == '{"a":null}'

    def test_the_judged_member_passes_only_when_it_is_granted(self):
        body = '[{"id":"a1","name":"N","x":1}]'
        assert cut(body, fields=(("name",),), rules=self.RULE) == '[{"name":"N"}]'
        assert cut(body, fields=(("name",), ("id",)), rules=self.RULE) == '[{"name":"N","id":"a1"}]'

    def test_a_record_that_names_several_resources_needs_all_of_them(self):
        rule = (RecordRule(path=("parts", "id"), allowed=frozenset({"a1"})),)
        body = (
            '[{"name":1,"parts":[{"id":"a1"}]},{"name":2,"parts":[{"id":"a1"},{"id":"a2"}]},{"name":3,"parts":[]},'
            '{"name":4,"parts":[{"id":"a1"},{}]}]'
        )
        assert cut(body, fields=(("name",),), rules=rule) == '[{"name":1}]'

    def test_lists_of_envelopes_are_judged_record_by_record(self):
        body = '[{"d":[{"id":"a1"},{"id":"a2"}]},{"d":null},{},{"d":{"id":"a2"}}]'
        assert cut(body, records=("d",), rules=self.RULE) == '[{"d":[{"id":"a1"}]},{"d":null},{},{"d":null}]'


class TestRecordsByDate:
    @pytest.mark.parametrize(
        ("told", "stays"),
        [
            ('"2026-05-27"', True),
            ('"2026-05-26"', False),
            ('"2026-05-27T00:00:00Z"', True),
            ('"2026-05-27T00:30:00+02:00"', False),
            ('"2026-05-26T23:30:00-02:00"', True),
            ('"20260527"', True),
            ('"yesterday"', False),
            ('"9999999999"', False),
            ('"0001-01-01T00:00:00+23:59"', False),
            ('"9999-12-31T23:59:59-23:59"', False),
            ("1780000000", False),
            ("null", False),
        ],
    )
    def test_records_older_than_agreed_or_without_a_sure_date_leave_the_list(self, told, stays):
        rules = (RecordRule(path=("date",), since="2026-05-27"),)
        assert cut(f'[{{"id":1,"date":{told}}}]', rules=rules) == ('[{"id":1}]' if stays else "[]")

    def test_all_rules_must_hold(self):
        rules = (RecordRule(path=("id",), allowed=frozenset({"a"})), RecordRule(path=("date",), since="2026-05-27"))
        body = '[{"id":"a","date":"2026-06-01"},{"id":"b","date":"2026-06-01"},{"id":"a","date":"2026-01-01"}]'
        assert cut(body, rules=rules) == '[{"id":"a"}]'

    @pytest.mark.parametrize(
        "rule",
        [RecordRule(path=("d",), since="soon"), RecordRule(path=("d",)), RecordRule(path=(), since="2026-05-27")],
    )
    def test_a_rule_that_cannot_be_applied_is_refused(self, rule):
        with pytest.raises(Unfilterable):
            cut("[]", rules=(rule,))


class TestLines:
    def test_a_line_is_one_record_whatever_the_envelope(self):
        cutter = Cutter(FieldFilter(records=("accounts",), fields=(("id",),), envelope=("next",)))
        assert cutter.line(b'{"id":1,"next":"m4rker","accounts":"m4rker"}') == b'{"id":1}'

    def test_a_refused_record_leaves_no_line(self):
        rule = RecordRule(path=("id",), allowed=frozenset({"a"}))
        cutter = Cutter(FieldFilter(records=(), fields=(("id",),), rules=(rule,)))
        assert [cutter.line(b'{"id":"a"}'), cutter.line(b'{"id":"b"}'), cutter.line(b"null")] == [
            b'{"id":"a"}',
            b"",
            b"",
        ]
