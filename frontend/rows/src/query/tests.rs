use proptest::prelude::*;

use super::*;

const NOW: u32 = 1_763_664_577;

fn terms(text: &str) -> Vec<Term> {
    Query::parse(text, FacetSelection::default(), NOW).terms
}

fn problems(text: &str) -> Vec<Problem> {
    Query::parse(text, FacetSelection::default(), NOW).problems
}

fn one(text: &str) -> Condition {
    let terms = terms(text);
    assert_eq!(terms.len(), 1, "{text}: {terms:?}");
    terms[0].condition.clone()
}

fn word(text: &str) -> Condition {
    Condition::Word(text.to_owned())
}

fn text(field: TextField, text: &str) -> Condition {
    Condition::Text { field, text: text.to_owned() }
}

#[test]
fn words_phrases_and_negations_are_conditions_of_their_own() {
    let read: Vec<_> = terms(r#"Web  -"Two Words" tag:Prod -status:ERROR -tag:"a b" --x"#)
        .into_iter()
        .map(|term| (term.is_negated, term.condition))
        .collect();
    let expected = [
        (false, word("web")),
        (true, word("two words")),
        (false, text(TextField::Tag, "prod")),
        (true, text(TextField::Status, "error")),
        (true, text(TextField::Tag, "a b")),
        (true, word("-x")),
    ];
    assert_eq!(read, expected);
}

#[test]
fn what_is_not_whole_yet_asks_for_nothing() {
    for text in ["", "  ", "-", "tag:", "-tag:", "ram>=", "ram:", "created>", "\"", "\"\"", "-\""] {
        assert_eq!(terms(text), [], "{text:?}");
        assert_eq!(problems(text), [], "{text:?}");
    }
}

#[test]
fn an_empty_phrase_asks_for_rows_without() {
    assert_eq!(one("tag:\"\""), text(TextField::Tag, ""));
    assert_eq!(one("image:\""), text(TextField::Image, ""));
}

#[test]
fn what_only_looks_like_a_field_is_a_word() {
    for unread in ["fd00::7", "env:prod", "role=db", "name=web", "10:30", "a\"b", ":", "=x", "flavor>2"] {
        assert_eq!(one(unread), word(unread), "{unread}");
        assert_eq!(problems(unread), [], "{unread}");
    }
}

#[test]
fn amounts_are_read_with_their_units() {
    let ram = |from, to| Condition::Amount { field: AmountField::Ram, from, to };
    assert_eq!(one("ram>=8"), ram(8192, u32::MAX));
    assert_eq!(one("RAM:>=8GB"), ram(8192, u32::MAX));
    assert_eq!(one("ram<512m"), ram(0, 511));
    assert_eq!(one("ram:1.5"), ram(1536, 1536));
    assert_eq!(one("ram<=1T"), ram(0, 1_048_576));
    assert_eq!(one("ram<0"), NOTHING);
    assert_eq!(one("ram>99999999999"), NOTHING);
    assert_eq!(one("vcpus=4"), Condition::Amount { field: AmountField::Vcpus, from: 4, to: 4 });
    assert_eq!(one("disk>1T"), Condition::Amount { field: AmountField::Disk, from: 1025, to: u32::MAX });
    for unread in ["ram>=many", "ram>-1", "ram:1e3", "vcpus:4g", "ram:.", "ram:1.2.3"] {
        assert_eq!(one(unread), word(unread));
        assert_eq!(problems(unread), [Problem::Amount(unread.to_owned())]);
    }
}

#[test]
fn a_date_is_all_of_its_day_month_or_year() {
    let created = |from, to| Condition::Time { field: TimeField::Created, from, to };
    let day = 1_738_281_600; // 2025-01-31T00:00:00Z
    assert_eq!(one("created:2025-01-31"), created(day, day + 86_399));
    assert_eq!(one("created>2025-01-31"), created(day + 86_400, u32::MAX));
    assert_eq!(one("created>=2025-01-31"), created(day, u32::MAX));
    assert_eq!(one("created<2025-01-31"), created(1, day - 1));
    assert_eq!(one("created:2025-01"), created(day - 30 * 86_400, day + 86_399));
    assert_eq!(one("created:2024"), created(1_704_067_200, 1_735_689_599));
    assert_eq!(one("created:2024-12"), created(1_733_011_200, 1_735_689_599));
    assert_eq!(one("created:2024-02-29T23:59"), created(1_709_251_140, 1_709_251_199));
    assert_eq!(one("updated:2024-02-29T23:59:58Z"), {
        Condition::Time { field: TimeField::Updated, from: 1_709_251_198, to: 1_709_251_198 }
    });
    for value in
        ["yesterday", "2025-13", "2023-02-29", "2025-1-1", "2025-01-01T", "2025T10:00", "1969", "2025-"]
    {
        let unread = format!("created:{value}");
        assert_eq!(problems(&unread), [Problem::Date(unread.clone())]);
    }
}

#[test]
fn ages_count_back_from_now() {
    let created = |from, to| Condition::Time { field: TimeField::Created, from, to };
    assert_eq!(one("age<7d"), created(NOW - 7 * 86_400 + 1, u32::MAX));
    assert_eq!(one("age:2w"), created(NOW - 14 * 86_400, u32::MAX));
    assert_eq!(one("age>12h"), created(1, NOW - 12 * 3600 - 1));
    assert_eq!(one("age>=1y"), created(1, NOW - 365 * 86_400));
    assert_eq!(one("age>4000000000y"), NOTHING);
    assert_eq!(problems("age<soon"), [Problem::Age("age<soon".to_owned())]);
}

#[test]
fn an_address_field_that_is_no_network_is_named() {
    assert_eq!(one("ip:10.0.0.0/8"), text(TextField::Ip, "10.0.0.0/8"));
    assert_eq!(one("ip:10.0.0.0/"), text(TextField::Ip, "10.0.0.0/"));
    for unread in ["ip:10.0.0.0/33", "ip:10.0/8", "ip:fd00::/129", "ip:10.0.0.0/8x"] {
        assert_eq!(problems(unread), [Problem::Network(unread.to_owned())]);
    }
}

#[test]
fn more_conditions_than_anybody_asks_for_are_left_out_and_named() {
    let query = Query::parse(&"a ".repeat(40), FacetSelection::default(), NOW);
    assert_eq!(query.terms.len(), MAX_TERMS);
    assert_eq!(query.problems, [Problem::TooMany("a".to_owned())]);
}

proptest! {
    #[test]
    fn any_text_can_be_read(text in r#"([a-z]{0,3}|[ \-":<>=/.0-9äΣ]|ram|created|age|ip|tag|\PC){0,12}"#) {
        let query = Query::parse(&text, FacetSelection::default(), NOW);
        for term in &query.terms {
            if let Condition::Word(word) = &term.condition {
                prop_assert!(!word.is_empty() && !word.contains('\n'));
            }
        }
    }
}
