//! The tokens of a JSON text that was read before, so that nothing is checked again.

use std::ops::Range;

use crate::json;

/// One token; ranges are of its text, quotes included.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Token {
    /// `{`
    OpenObject,
    /// `[`
    OpenArray,
    /// `}` or `]`
    Close,
    /// `,`
    Comma,
    /// A string.
    Text(Range<usize>),
    /// A number, `true`, `false` or `null`.
    Word(Range<usize>),
}

/// Steps over a text. On one that is no JSON it yields something, and ends.
pub(crate) struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(crate) fn of(json: &'a str) -> Self {
        Self {
            bytes: json.as_bytes(),
            at: 0,
        }
    }

    /// Where the last token ended.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The length of the string that begins with the quote at `self.at`.
    fn text_length(&self) -> usize {
        let mut length = 1;
        loop {
            match self.bytes.get(self.at + length) {
                Some(b'"') => return length + 1,
                Some(b'\\') => length += 2,
                Some(_) => length += 1,
                None => return self.bytes.len() - self.at,
            }
        }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let start = self.at;
            let byte = *self.bytes.get(start)?;
            self.at += 1;
            return Some(match byte {
                b' ' | b'\n' | b'\r' | b'\t' | b':' => continue,
                b'{' => Token::OpenObject,
                b'[' => Token::OpenArray,
                b'}' | b']' => Token::Close,
                b',' => Token::Comma,
                b'"' => {
                    self.at = start;
                    self.at += self.text_length();
                    Token::Text(start..self.at)
                }
                _ => {
                    let rest = &self.bytes[self.at..];
                    let is_end = |byte: &u8| b" \n\r\t,:]}\"[{".contains(byte);
                    self.at += rest.iter().position(is_end).unwrap_or(rest.len());
                    Token::Word(start..self.at)
                }
            });
        }
    }
}

/// The value of the member `wanted` of the object `json`.
pub(super) fn member(json: &str, wanted: &str) -> Option<Range<usize>> {
    let mut tokens = Tokens::of(json);
    let (mut depth, mut is_name, mut start) = (0_usize, false, None);
    while let Some(token) = tokens.next() {
        match token {
            Token::OpenObject | Token::OpenArray => {
                depth += 1;
                is_name = depth == 1;
            }
            Token::Close => depth = depth.saturating_sub(1),
            Token::Comma => is_name = depth == 1,
            Token::Text(range) if depth == 1 && is_name => {
                is_name = false;
                let is_wanted = json::decode(&json[range]) == wanted;
                start = is_wanted.then(|| tokens.at());
                continue;
            }
            Token::Text(_) | Token::Word(_) => {}
        }
        // The value is over with its last token.
        if let Some(start) = start.filter(|_| depth == 1) {
            let value = json.get(start..tokens.at())?;
            let space = value.len() - value.trim_start_matches([':', ' ', '\n', '\r', '\t']).len();
            return Some(start + space..tokens.at());
        }
    }
    None
}
