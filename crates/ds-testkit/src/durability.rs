//! How much a server promises about what it has acknowledged.

/// Whether an acknowledged write survives a crash of the machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Durability {
    /// Nothing is synced: three times faster to start and to write, for tests whose data is thrown away.
    Off,
    /// What a deployment runs with: every commit and every append is synced before it is answered.
    Production,
}

impl Durability {
    /// The name used on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Production => "production",
        }
    }

    /// Reads a name written by [`Durability::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Off, Self::Production]
            .into_iter()
            .find(|each| each.name() == name)
    }

    /// Settings for `postgres -c`.
    pub fn postgres_settings(self) -> &'static [&'static str] {
        match self {
            Self::Off => &[
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
                "autovacuum=off",
                "max_connections=300",
                "shared_buffers=64MB",
            ],
            Self::Production => &[
                "fsync=on",
                "synchronous_commit=on",
                "full_page_writes=on",
                "max_connections=200",
                "shared_buffers=256MB",
                "max_wal_size=4GB",
            ],
        }
    }

    /// Arguments for `redis-server`.
    pub fn redis_arguments(self) -> &'static [&'static str] {
        self.redis().arguments()
    }

    /// The same for Redis alone.
    pub fn redis(self) -> RedisDurability {
        match self {
            Self::Off => RedisDurability::None,
            Self::Production => RedisDurability::Always,
        }
    }
}

/// When Redis puts on disk what it has acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RedisDurability {
    /// Never: it forgets everything when it ends.
    None,
    /// Once a second: a crash of the machine loses what was acknowledged since.
    EverySecond,
    /// Before each acknowledgement.
    Always,
}

impl RedisDurability {
    /// Arguments for `redis-server`.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::None => &["--save", "", "--appendonly", "no"],
            Self::EverySecond => &[
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "everysec",
            ],
            Self::Always => &[
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
            ],
        }
    }
}
