//! The names of the servers to be made: one, or many by a pattern such as `web-{01..20}`.

/// The most servers one form makes.
pub const MOST: usize = 200;
/// Nova's limit.
const LONGEST: usize = 255;

/// Why a name or a pattern will not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    Empty,
    /// Nova takes 255 characters.
    TooLong(String),
    /// The range in braces is none: `{a..3}`, `{5..}`, `{}`.
    NoRange(String),
    TooMany(usize),
    ControlCharacter,
    /// It begins or ends with a blank.
    Blank(String),
    /// Characters beyond the basic plane, such as emoji: Nova refuses them.
    Beyond(char),
}

/// The names a pattern stands for, in order. A number's leading zeros say how wide all are; several ranges are
/// combined, the last running fastest, and `{20..01}` counts down.
///
/// Errors: see [`NameError`].
pub fn names_of(pattern: &str) -> Result<Vec<String>, NameError> {
    let names = expanded(pattern)?;
    for name in &names {
        check(name)?;
    }
    Ok(names)
}

/// What may go wrong later with a name that Nova accepts. Nova makes the host name of it, and a cloud whose network
/// service knows DNS refuses a host name with such letters: the server then ends in ERROR.
pub fn warning_for(names: &[String]) -> Option<char> {
    let letters = names.first()?.chars();
    let mut foreign = letters.filter(|letter| !letter.is_ascii());
    foreign.next()
}

fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.chars().any(char::is_control) {
        return Err(NameError::ControlCharacter);
    }
    if let Some(letter) = name.chars().find(|letter| u32::from(*letter) > 0xffff) {
        return Err(NameError::Beyond(letter));
    }
    if name.trim() != name {
        return Err(NameError::Blank(name.to_owned()));
    }
    if name.chars().count() > LONGEST {
        return Err(NameError::TooLong(name.chars().take(40).collect()));
    }
    Ok(())
}

fn expanded(pattern: &str) -> Result<Vec<String>, NameError> {
    let Some((before, range, rest)) = first_range(pattern) else { return Ok(vec![pattern.to_owned()]) };
    let numbers = numbers_of(range)?;
    let rest = expanded(rest)?;
    let count = numbers.len().saturating_mul(rest.len());
    if count > MOST {
        return Err(NameError::TooMany(count));
    }
    let with_rest =
        |number: &String| rest.iter().map(move |rest| format!("{before}{number}{rest}")).collect();
    Ok(numbers.iter().flat_map(|number| -> Vec<String> { with_rest(number) }).collect())
}

/// What stands before the first braces, in them, and after. Braces without an end are a part of the name.
fn first_range(pattern: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = pattern.split_once('{')?;
    let (range, after) = rest.split_once('}')?;
    Some((before, range, after))
}

fn numbers_of(range: &str) -> Result<Vec<String>, NameError> {
    let no_range = || NameError::NoRange(range.to_owned());
    let (first, last) = range.split_once("..").ok_or_else(no_range)?;
    let is_number =
        |text: &str| !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(first) || !is_number(last) {
        return Err(no_range());
    }
    let width = if first.starts_with('0') || last.starts_with('0') { first.len().max(last.len()) } else { 0 };
    let parse = |text: &str| text.parse::<usize>().map_err(|_| no_range());
    let (first, last) = (parse(first)?, parse(last)?);
    let count = first.abs_diff(last) + 1;
    if count > MOST {
        return Err(NameError::TooMany(count));
    }
    let written = |number: usize| format!("{number:0width$}");
    Ok(if first <= last {
        (first..=last).map(written).collect()
    } else {
        (last..=first).rev().map(written).collect()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(pattern: &str) -> String {
        names_of(pattern).map_or_else(|error| format!("{error:?}"), |names| names.join(" "))
    }

    #[test]
    fn a_pattern_stands_for_its_numbers_as_wide_as_they_are_written() {
        assert_eq!(names("web"), "web");
        assert_eq!(names("web-{8..11}"), "web-8 web-9 web-10 web-11");
        assert_eq!(names("web-{08..11}.de"), "web-08.de web-09.de web-10.de web-11.de");
        assert_eq!(names("web-{1..03}"), "web-01 web-02 web-03");
        assert_eq!(names("{3..1}"), "3 2 1");
        assert_eq!(names("r{1..2}-n{1..2}"), "r1-n1 r1-n2 r2-n1 r2-n2");
        assert_eq!(names_of("n-{001..200}").map(|names| names.len()), Ok(200));
    }

    #[test]
    fn what_is_no_range_says_so_and_an_open_brace_is_a_letter() {
        assert_eq!(names("web-{a..3}"), "NoRange(\"a..3\")");
        assert_eq!(names("web-{}"), "NoRange(\"\")");
        assert_eq!(names("web-{1..}"), "NoRange(\"1..\")");
        assert_eq!(names("web-{1..201}"), "TooMany(201)");
        assert_eq!(names("{1..100}{1..100}"), "TooMany(10000)");
        assert_eq!(names("{1..99999999999}"), "NoRange(\"1..99999999999\")");
        assert_eq!(names("web-{1"), "web-{1");
    }

    #[test]
    fn names_nova_refuses_are_told_before() {
        assert_eq!(names(""), "Empty");
        assert_eq!(names(" web"), "Blank(\" web\")");
        assert_eq!(names("a\u{7}"), "ControlCharacter");
        assert_eq!(names("web-🚀"), "Beyond('🚀')");
        assert_eq!(names(&"ü".repeat(255)), "ü".repeat(255));
        assert!(matches!(names_of(&"a".repeat(256)), Err(NameError::TooLong(_))));
        assert_eq!(warning_for(&["köln".to_owned()]), Some('ö'));
        assert_eq!(warning_for(&["web".to_owned()]), None);
    }

    proptest! {
        #[test]
        fn any_text_is_names_or_a_reason(pattern in "[a-z{}.0-9]{0,16}|\\PC{0,16}") {
            if let Ok(names) = names_of(&pattern) {
                prop_assert!((1..=MOST).contains(&names.len()));
            }
        }
    }
}
