"""Documents that are read the fast way are those that PyYAML reads."""

import gc

import pytest
import yaml

from connectors_dagster.spec.yaml_text import load_yaml

DOCUMENTS = (
    "",
    "--- \n",
    "a: {b: [1, 0o7, 07, 1_000, 1.5, 1e3, .inf, true, Yes, off, null, ~, '', \"\", 2024-01-02, 12:30:00]}",
    "a: 'yes'\nb: !!str 7\nc: |\n  two\n  lines\nd: >-\n  one\n  line\n",
    "base: &base {a: 1}\nown: {<<: *base, b: 2}\nsame: *base\n",
    "1: a\n2024-01-02: b\ntrue: c\nnull: d\n",
    "? [a, b]\n: c\n",
    "a: 1\nb: {c: 1, d: 2, c: 3}\na: 2\n",
    "- a\n- {}\n- []\n- = \n",
)


@pytest.mark.parametrize("text", DOCUMENTS)
def test_a_document_is_what_pyyaml_makes_of_it(text):
    try:
        expected = repr(yaml.safe_load(text))
    except yaml.YAMLError as error:
        with pytest.raises(type(error)):
            load_yaml(text)
    else:
        assert repr(load_yaml(text)) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "while parsing"),
        ("a: 1\n---\nb: 2\n", "single document"),
    ],
)
def test_errors_are_those_of_pyyaml_with_the_line(text, said):
    with pytest.raises(yaml.YAMLError, match=said) as caught:
        load_yaml(text)
    assert "line" in str(caught.value)


def test_what_a_document_was_made_of_is_not_kept():
    load_yaml("a: 1\nb: two\n")
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, yaml.ScalarNode)]
