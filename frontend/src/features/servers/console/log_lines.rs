//! The lines of a console's log. Values in, values out.

/// What a server wrote, as lines for people: what only moves a terminal's cursor or colours is left out.
pub fn lines_of(output: &str) -> Vec<String> {
    let mut lines: Vec<String> = output.split('\n').map(plain).collect();
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    lines
}

/// Takes in what was read last. The lines that were there stay, and those that came since are added; where the two have
/// nothing in common (a log that began anew, or ran on too fast) the new ones take the place of all. Returns how many
/// lines at the front are as they were.
pub fn take_in(lines: &mut Vec<String>, read: Vec<String>) -> usize {
    let Some(common) = in_common(lines, &read) else {
        *lines = read;
        return 0;
    };
    let whole = lines.len() - 1;
    if whole + read.len() - common > MOST {
        *lines = read;
        return 0;
    }
    let is_last_the_same = lines.get(whole) == read.get(common);
    lines.truncate(whole);
    lines.extend(read.into_iter().skip(common));
    whole + usize::from(is_last_the_same)
}

/// How many lines at the front of what was read stand at the end of the lines, the last one aside: it may have been half
/// written. `None` where nothing joins the two.
fn in_common(lines: &[String], read: &[String]) -> Option<usize> {
    let (last, whole) = lines.split_last()?;
    let most = whole.len().min(read.len());
    let common =
        (1..=most).rev().find(|common| read.get(..*common).is_some_and(|front| whole.ends_with(front)));
    common.or_else(|| (read.first() == Some(last)).then_some(0))
}

/// More lines are not kept: the log goes on with those that were read last.
const MOST: usize = 20_000;

/// Whether a line has this text, whatever the case; all have none.
pub fn has_text(line: &str, text: &str) -> bool {
    let wanted = text.trim().to_lowercase();
    wanted.is_empty() || line.to_lowercase().contains(&wanted)
}

/// A line as a terminal would leave it: without escape sequences, overwritten by what follows a carriage return.
fn plain(line: &str) -> String {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let last = line.rsplit('\r').find(|part| !part.is_empty()).unwrap_or_default();
    let mut text = String::with_capacity(last.len());
    let mut letters = last.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => match letters.next() {
                // A control sequence ends with a letter (ECMA-48, 5.4).
                Some('[') => {
                    while letters.next().is_some_and(|letter| !('\u{40}'..='\u{7e}').contains(&letter)) {}
                }
                // A title or the like ends with a bell or with ESC \.
                Some(']') => {
                    while let Some(letter) = letters.next() {
                        if letter == '\u{7}' || (letter == '\u{1b}' && letters.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                Some('(' | ')') => _ = letters.next(),
                _ => {}
            },
            '\t' => text.push(letter),
            letter if letter.is_control() => {}
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_terminal_is_left_out() {
        let lines = lines_of("\u{1b}[0;32m[  OK  ]\u{1b}[0m Started sshd\r\n\u{1b}]0;title\u{7}login: \n\n");
        assert_eq!(lines, ["[  OK  ] Started sshd", "login: "]);
    }

    #[test]
    fn a_progress_bar_is_its_last_state() {
        assert_eq!(lines_of("10%\r50%\r100%\r\n"), ["100%"]);
    }

    #[test]
    fn half_a_sequence_at_the_end_breaks_nothing() {
        for odd in ["\u{1b}", "\u{1b}[", "\u{1b}]0;x", "a\u{1b}(", "\u{0}\u{8}"] {
            assert!(
                lines_of(odd).iter().all(|line| line.chars().all(|letter| !letter.is_control())),
                "{odd:?}"
            );
        }
    }

    fn numbered(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|number| format!("line {number}")).collect()
    }

    #[test]
    fn what_came_since_is_added_and_what_was_there_stays() {
        let mut lines = numbered(0..5);
        assert_eq!(take_in(&mut lines, numbered(0..5)), 5, "nothing came");
        assert_eq!(take_in(&mut lines, numbered(2..7)), 5, "the cloud gives the last five");
        assert_eq!(lines, numbered(0..7));
        assert_eq!(take_in(&mut lines, numbered(5..10)), 7);
        assert_eq!(take_in(&mut lines, numbered(9..12)), 10, "the very last is enough");
        assert_eq!(lines, numbered(0..12));
    }

    #[test]
    fn a_line_that_was_half_written_is_replaced() {
        let mut lines = lines_of("one\nlog");
        assert_eq!(take_in(&mut lines, lines_of("one\nlogin: \nthree")), 1);
        assert_eq!(lines, ["one", "login: ", "three"]);
        let mut only = lines_of("log");
        assert_eq!(take_in(&mut only, lines_of("login:")), 0);
        assert_eq!(only, ["login:"]);
        assert_eq!(take_in(&mut only, lines_of("login:")), 1);
    }

    #[test]
    fn a_log_that_began_anew_or_ran_on_takes_the_place_of_the_old_one() {
        let mut lines = numbered(0..5);
        assert_eq!(take_in(&mut lines, numbered(100..105)), 0);
        assert_eq!(lines, numbered(100..105));
        assert_eq!(take_in(&mut lines, Vec::new()), 0);
        assert_eq!(take_in(&mut lines, numbered(0..2)), 0);
        assert_eq!(lines, numbered(0..2));
    }

    #[test]
    fn no_log_grows_without_end() {
        let mut lines = numbered(0..MOST);
        assert_eq!(take_in(&mut lines, numbered(MOST - 5..MOST + 5)), 0);
        assert_eq!(lines, numbered(MOST - 5..MOST + 5));
    }

    #[test]
    fn lines_are_found_by_text_whatever_the_case() {
        assert!(has_text("Linux version 6", " LINUX "));
        assert!(has_text("EXT4-fs mounted", ""));
        assert!(!has_text("EXT4-fs mounted", "windows"));
    }
}
