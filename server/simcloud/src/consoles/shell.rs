//! A shell on a line: it echoes what is typed and knows a few words.

use super::{Facts, lines_after};

/// Somebody signed in at a server.
pub struct Shell {
    host_name: String,
    line: String,
    last_log_line: String,
    history: Vec<String>,
}

/// How many lines of the log are shown at first.
const SHOWN_LINES: usize = 12;

/// The longest line that is taken.
const LONGEST_LINE: usize = 4_096;

/// The most lines `seq` prints.
const MOST_LINES: u64 = 100_000;

impl Shell {
    /// A shell, and what it says first: the end of the log and a prompt.
    pub fn new(facts: &Facts) -> (Self, Vec<u8>) {
        let lines: Vec<&str> = facts.log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
        let shell = Shell {
            host_name: facts.host_name.clone(),
            line: String::new(),
            last_log_line: lines.last().copied().unwrap_or_default().to_owned(),
            history: Vec::new(),
        };
        let mut said = tail.join("\r\n");
        said.push_str("\r\n");
        said.push_str(&shell.prompt());
        (shell, said.into_bytes())
    }

    /// What the line says to what was typed and has happened since. The error holds the last words of a
    /// shell that was left.
    pub fn advance(&mut self, typed: &[u8], facts: &Facts) -> Result<Vec<u8>, Vec<u8>> {
        let mut said = self.news(facts);
        for c in String::from_utf8_lossy(typed).chars() {
            match c {
                '\r' | '\n' => {
                    said.push_str("\r\n");
                    let line = std::mem::take(&mut self.line);
                    let words: Vec<&str> = line.split_whitespace().collect();
                    if matches!(words.first(), Some(&("exit" | "logout"))) {
                        said.push_str("logout\r\n");
                        return Err(said.into_bytes());
                    }
                    let answer = self.run(&words, facts);
                    if !answer.is_empty() {
                        said.push_str(&answer.replace('\n', "\r\n"));
                        said.push_str("\r\n");
                    }
                    if !line.trim().is_empty() {
                        self.history.push(line);
                    }
                    said.push_str(&self.prompt());
                }
                '\u{3}' => {
                    self.line.clear();
                    said.push_str("^C\r\n");
                    said.push_str(&self.prompt());
                }
                '\u{4}' if self.line.is_empty() => {
                    said.push_str("logout\r\n");
                    return Err(said.into_bytes());
                }
                '\u{8}' | '\u{7f}' => {
                    if self.line.pop().is_some() {
                        said.push_str("\u{8} \u{8}");
                    }
                }
                c if c.is_control() => {}
                c if self.line.len() < LONGEST_LINE => {
                    self.line.push(c);
                    said.push(c);
                }
                _ => said.push('\u{7}'),
            }
        }
        Ok(said.into_bytes())
    }

    /// What the kernel has said meanwhile, and the line as it stood.
    fn news(&mut self, facts: &Facts) -> String {
        let new = lines_after(&facts.log, &self.last_log_line);
        let Some(last) = new.last() else { return String::new() };
        self.last_log_line = (*last).to_owned();
        format!("\r\n{}\r\n{}{}", new.join("\r\n"), self.prompt(), self.line)
    }

    fn prompt(&self) -> String {
        format!("root@{}:~# ", self.host_name)
    }

    fn run(&self, words: &[&str], facts: &Facts) -> String {
        match words {
            [] => String::new(),
            ["help"] => "cat clear date dmesg echo exit help history hostname ip ls seq uname uptime whoami"
                .to_owned(),
            ["echo", rest @ ..] => rest.join(" "),
            ["whoami"] => "root".to_owned(),
            ["hostname"] => self.host_name.clone(),
            ["uname"] => "Linux".to_owned(),
            ["uname", ..] => format!("Linux {} 6.1.0-28-cloud-amd64 x86_64 GNU/Linux", self.host_name),
            ["date"] => facts.now.format("%a %b %e %H:%M:%S UTC %Y").to_string(),
            ["uptime"] => {
                format!(" {} up, 1 user, load average: 0.00, 0.01, 0.00", facts.now.format("%H:%M:%S"))
            }
            ["ls"] | ["ls", "-l" | "-a" | "-la"] => "README.txt  server-name.txt".to_owned(),
            ["cat", "server-name.txt"] => facts.name.clone(),
            ["cat", "README.txt"] => "A server of the simulated cloud.".to_owned(),
            ["cat", "/etc/os-release"] => "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"".to_owned(),
            ["cat", file] => format!("cat: {file}: No such file or directory"),
            ["ip", ..] => facts.addresses.join("\n"),
            ["dmesg"] => facts.log.clone(),
            ["history"] => self.history.join("\n"),
            ["clear"] => "\u{1b}[2J\u{1b}[H".to_owned(),
            ["seq", count] => {
                let count: u64 = count.parse().unwrap_or(0);
                let lines: Vec<String> =
                    (1..=count.min(MOST_LINES)).map(|number| number.to_string()).collect();
                lines.join("\n")
            }
            [other, ..] => format!("-bash: {other}: command not found"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(log: &str) -> Facts {
        Facts {
            name: "Web 01".to_owned(),
            host_name: "web-01".to_owned(),
            status: "ACTIVE".to_owned(),
            addresses: vec!["10.0.0.5".to_owned()],
            log: log.to_owned(),
            now: chrono::DateTime::UNIX_EPOCH,
        }
    }

    fn text(bytes: Result<Vec<u8>, Vec<u8>>) -> String {
        String::from_utf8(bytes.expect("a shell that goes on")).expect("text")
    }

    #[test]
    fn what_is_typed_is_echoed_and_answered() {
        let (mut shell, greeting) = Shell::new(&facts("one\ntwo"));
        assert_eq!(greeting, b"one\r\ntwo\r\nroot@web-01:~# ");
        assert_eq!(text(shell.advance(b"ech", &facts("one\ntwo"))), "ech");
        let answer = text(shell.advance(b"oo\x7f hi\r", &facts("one\ntwo")));
        assert_eq!(answer, "oo\u{8} \u{8} hi\r\nhi\r\nroot@web-01:~# ");
        assert_eq!(text(shell.advance(b"rm -rf\x03", &facts("one\ntwo"))), "rm -rf^C\r\nroot@web-01:~# ");
        assert!(text(shell.advance(b"nonesuch\r", &facts("one\ntwo"))).contains("command not found"));
        assert_eq!(shell.advance(b"exit\r", &facts("one\ntwo")), Err(b"exit\r\nlogout\r\n".to_vec()));
    }

    #[test]
    fn what_the_kernel_says_comes_between_and_the_line_stands_again() {
        let (mut shell, _) = Shell::new(&facts("one"));
        shell.advance(b"half", &facts("one")).expect("a shell that goes on");
        let news = text(shell.advance(b"", &facts("one\ntwo")));
        assert_eq!(news, "\r\ntwo\r\nroot@web-01:~# half");
        assert_eq!(text(shell.advance(b"", &facts("one\ntwo"))), "");
    }
}
