//! The search box cut into parts.

/// One part of the search box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub is_negated: bool,
    /// A field's name, as typed, and what stands between it and the value.
    pub field: Option<(&'a str, Operator)>,
    pub value: &'a str,
    pub is_quoted: bool,
    /// Field and value as typed, to be searched for should they mean nothing.
    pub text: &'a str,
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `:`
    Has,
    /// `=`, also after a colon, as the others.
    Equal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// Cuts a text at spaces, except within quotes; a quote that is not closed reaches to the end.
pub fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                return None;
            }
            let (token, after) = token(rest);
            rest = after;
            // A minus alone is the start of a condition.
            if token.text != "-" || token.is_quoted {
                return Some(token);
            }
        }
    })
}

impl Operator {
    /// The bounds, both included, of what compares so with a value that spans `first` to `last`; `None` for nothing.
    pub fn bounds(self, first: u32, last: u32) -> Option<(u32, u32)> {
        Some(match self {
            Self::Has | Self::Equal => (first, last),
            Self::Less => (0, first.checked_sub(1)?),
            Self::AtMost => (0, last),
            Self::More => (last.checked_add(1)?, u32::MAX),
            Self::AtLeast => (first, u32::MAX),
        })
    }

    /// The same comparison of times instead of ages: what is younger was made later. An age said without comparing
    /// is an upper bound, for no server is exactly seven days old.
    pub fn turned(self) -> Self {
        match self {
            Self::Has | Self::Equal | Self::AtMost => Self::AtLeast,
            Self::Less => Self::More,
            Self::More => Self::Less,
            Self::AtLeast => Self::AtMost,
        }
    }
}

/// Reads one token; the text starts with it.
fn token(text: &str) -> (Token<'_>, &str) {
    let (is_negated, text) = match text.strip_prefix('-') {
        Some(rest) if !rest.starts_with(char::is_whitespace) && !rest.is_empty() => (true, rest),
        _ => (false, text),
    };
    if let Some(quoted) = text.strip_prefix('"') {
        let (value, rest) = quoted.split_once('"').unwrap_or((quoted, ""));
        return (Token { is_negated, field: None, value, is_quoted: true, text: value }, rest);
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let Some((name, operator, value_at)) = field(&text[..end]) else {
        let (value, rest) = text.split_at(end);
        return (Token { is_negated, field: None, value, is_quoted: false, text: value }, rest);
    };
    let field = Some((name, operator));
    if let Some(quoted) = text[value_at..].strip_prefix('"') {
        let (value, rest) = quoted.split_once('"').unwrap_or((quoted, ""));
        return (
            Token { is_negated, field, value, is_quoted: true, text: &text[..text.len() - rest.len()] },
            rest,
        );
    }
    let value = &text[value_at..end];
    (Token { is_negated, field, value, is_quoted: false, text: &text[..end] }, &text[end..])
}

/// The field's name at the start, the operator behind it, and where the value starts.
fn field(text: &str) -> Option<(&str, Operator, usize)> {
    let name_end = text.find(|c: char| !c.is_ascii_alphabetic()).filter(|end| *end > 0)?;
    let (name, rest) = text.split_at(name_end);
    let (has_colon, compared) = match rest.strip_prefix(':') {
        Some(compared) => (true, compared),
        None => (false, rest),
    };
    const COMPARISONS: [(&str, Operator); 5] = [
        (">=", Operator::AtLeast),
        ("<=", Operator::AtMost),
        (">", Operator::More),
        ("<", Operator::Less),
        ("=", Operator::Equal),
    ];
    let found = COMPARISONS.into_iter().find(|(sign, _)| compared.starts_with(sign));
    let (sign, operator) = match found {
        Some(found) => found,
        None if has_colon => ("", Operator::Has),
        None => return None,
    };
    Some((name, operator, text.len() - compared.len() + sign.len()))
}
