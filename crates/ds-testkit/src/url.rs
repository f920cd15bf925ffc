//! The little that is needed of `postgres://` addresses.

/// `postgres://user[:password]@host:port/database`, in parts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PostgresUrl {
    /// Role name.
    pub user: String,
    /// Password, if there is one.
    pub password: Option<String>,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Database.
    pub database: String,
}

impl PostgresUrl {
    /// Reads an address of the simple form above; percent-encoding is not understood.
    pub fn parse(url: &str) -> Option<Self> {
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))?;
        let rest = rest.split('?').next()?;
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (account, place) = authority.rsplit_once('@')?;
        let (user, password) = match account.split_once(':') {
            Some((user, password)) => (user, Some(password.to_owned())),
            None => (account, None),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (place, 5432),
        };
        let database = if database.is_empty() { user } else { database };
        Some(Self {
            user: user.to_owned(),
            password,
            host: host.to_owned(),
            port,
            database: database.to_owned(),
        })
    }
}

/// The same address with another database.
pub fn with_database(url: &str, database: &str) -> String {
    let (base, query) = match url.split_once('?') {
        Some((base, query)) => (base, format!("?{query}")),
        None => (url, String::new()),
    };
    let authority_start = base.find("://").map_or(0, |at| at + 3);
    let authority_end = base[authority_start..]
        .find('/')
        .map_or(base.len(), |at| authority_start + at);
    format!("{}/{database}{query}", &base[..authority_end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_is_replaced_and_the_query_kept() {
        let url = "postgres://u:p@h:1/a?sslmode=disable";
        assert_eq!(
            with_database(url, "b"),
            "postgres://u:p@h:1/b?sslmode=disable"
        );
        assert_eq!(with_database("postgres://u@h:1", "b"), "postgres://u@h:1/b");
    }

    #[test]
    fn parts_are_read() {
        let url = PostgresUrl::parse("postgres://u:p@h:1/a?x=y").unwrap();
        assert_eq!(
            (url.user.as_str(), url.password.as_deref()),
            ("u", Some("p"))
        );
        assert_eq!(
            (url.host.as_str(), url.port, url.database.as_str()),
            ("h", 1, "a")
        );
        assert_eq!(PostgresUrl::parse("postgres://u@h").unwrap().port, 5432);
        assert_eq!(PostgresUrl::parse("mysql://u@h"), None);
    }
}
