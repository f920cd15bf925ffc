//! The token of the routes that change something, in a file of its own.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use secrecy::SecretString;

/// Longest file that is read.
const BYTES_MAX: u64 = 4096;

/// The file with the token. Its content is read whenever it is needed, never kept.
#[derive(Clone, Debug)]
pub(crate) struct TokenFile(PathBuf);

/// Why there is no token. Never holds one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// The file cannot be read.
    #[error("cannot read token file {path}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is nothing in it but white space.
    #[error("token file {path} is empty", path = .0.display())]
    Empty(PathBuf),
    /// It cannot be a token.
    #[error("token file {path} is longer than {BYTES_MAX} bytes", path = .0.display())]
    TooLong(PathBuf),
    /// No client could send it.
    #[error("token in file {path} is not printable ASCII without spaces", path = .0.display())]
    NotPrintable(PathBuf),
}

impl TokenFile {
    /// The file at `path`.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The token as it is now, without the white space around it.
    pub(crate) fn read(&self) -> Result<SecretString, TokenError> {
        let path = || self.0.clone();
        let mut content = Vec::new();
        File::open(&self.0)
            .and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut content))
            .map_err(|source| TokenError::Unreadable {
                path: path(),
                source,
            })?;
        if content.len() as u64 > BYTES_MAX {
            return Err(TokenError::TooLong(path()));
        }
        let token = content.trim_ascii();
        if token.is_empty() {
            return Err(TokenError::Empty(path()));
        }
        match std::str::from_utf8(token) {
            Ok(token) if token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(token.into()),
            Ok(_) | Err(_) => Err(TokenError::NotPrintable(path())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use secrecy::ExposeSecret;

    use super::*;

    #[track_caller]
    fn check(content: &[u8], expected: &str) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let read = TokenFile::at(file.path()).read().map_or_else(
            |error| error.to_string(),
            |token| token.expose_secret().to_owned(),
        );
        let expected = expected.replace("FILE", &file.path().display().to_string());
        assert_eq!(read, expected, "{}", String::from_utf8_lossy(content));
    }

    #[test]
    fn a_token_stands_alone_in_its_file() {
        check(b"s3cret", "s3cret");
        check(b" \ts3cret==\r\n", "s3cret==");
        check(&[b'x'; 4096], &"x".repeat(4096));
    }

    #[test]
    fn a_file_without_a_usable_token_is_refused_without_quoting_it() {
        check(b"", "token file FILE is empty");
        check(b" \n\t\n", "token file FILE is empty");
        check(&[b'x'; 4097], "token file FILE is longer than 4096 bytes");
        let not_printable = "token in file FILE is not printable ASCII without spaces";
        check(b"two words", not_printable);
        check("sécret".as_bytes(), not_printable);
        check(b"secret\0", not_printable);
        check(b"\xff", not_printable);
    }

    #[test]
    fn a_change_of_the_file_is_a_change_of_the_token() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let file = TokenFile::at(&path);
        assert!(matches!(file.read(), Err(TokenError::Unreadable { .. })));
        for token in ["first", "second"] {
            std::fs::write(&path, token).unwrap();
            assert_eq!(file.read().unwrap().expose_secret(), token);
        }
    }
}
