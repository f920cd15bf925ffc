//! The closed sets of label values. Nothing a client sends is ever a label.

/// Declares a closed set of label values.
macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// Every value, so that series can start at zero.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value as it is exposed.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl From<$name> for &'static str {
            fn from(value: $name) -> Self {
                value.as_str()
            }
        }
    };
}

labels! {
    /// What became of an event that was sent.
    TraceStatus {
        /// Stored in PostgreSQL before the answer.
        Success = "success",
        /// Neither stored nor refused as invalid: the client was told to come again.
        Failure = "failure",
    }
}

labels! {
    /// How an operation ended.
    Outcome {
        /// It did what it was asked.
        Success = "success",
        /// It did not.
        Failure = "failure",
    }
}

labels! {
    /// What a write wrote.
    Table {
        /// Single events.
        AuditEvents = "audit_events",
        /// Batches of events.
        AuditEventsBatch = "audit_events_batch",
    }
}

labels! {
    /// The connection pools of the repository.
    Pool {
        /// Connections that append.
        Write = "write",
        /// Connections that answer queries.
        Read = "read",
    }
}

labels! {
    /// The background workers.
    Worker {
        /// Keeps monthly partitions ahead of time.
        Partitions = "partitions",
        /// Closes idle and old connections and samples the pools.
        Pools = "pools",
        /// Drains the recorder's sample buffers.
        MetricsUpkeep = "metrics_upkeep",
    }
}
