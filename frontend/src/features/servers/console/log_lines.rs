//! The lines of a console's log. Values in, values out.

/// What a server wrote, as lines for people: what only moves a terminal's cursor or colours is left out.
pub fn lines_of(output: &str) -> Vec<String> {
    let mut lines: Vec<String> = output.split('\n').map(plain).collect();
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    lines
}

/// The numbers (from 1) and texts of the lines that have this text, whatever the case; all for none.
pub fn found<'a>(lines: &'a [String], text: &str) -> Vec<(usize, &'a str)> {
    let wanted = text.trim().to_lowercase();
    let has = |line: &&'a String| wanted.is_empty() || line.to_lowercase().contains(&wanted);
    (1..).zip(lines).filter(|(_, line)| has(line)).map(|(number, line)| (number, line.as_str())).collect()
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

    #[test]
    fn lines_are_found_by_text_whatever_the_case_and_keep_their_numbers() {
        let lines = lines_of("Linux version 6\nEXT4-fs mounted\nlinux done\n");
        assert_eq!(found(&lines, " LINUX "), [(1, "Linux version 6"), (3, "linux done")]);
        assert_eq!(found(&lines, "").len(), 3);
        assert!(found(&lines, "windows").is_empty());
    }
}
