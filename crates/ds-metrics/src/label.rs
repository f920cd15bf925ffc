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
        /// Made durable in a backlog, from which it will be stored.
        DlqFallback = "dlq_fallback",
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
    /// How a stream of events ended.
    ExportEnd {
        /// With its last event.
        Complete = "complete",
        /// The client left before.
        ClientLeft = "client_left",
        /// The store failed: the stream was broken off.
        BrokenOff = "broken_off",
    }
}

labels! {
    /// What a write wrote.
    Table {
        /// Single events.
        AuditEvents = "audit_events",
        /// Batches of events.
        AuditEventsBatch = "audit_events_batch",
        /// Notifications.
        NotificationAudit = "notification_audit",
        /// Single actions.
        ActionTraces = "resource_action_traces",
        /// Batches of actions.
        ActionTracesBatch = "resource_action_traces_batch",
    }
}

labels! {
    /// What is done to the catalogue of workflows.
    WorkflowWrite {
        /// A version is added.
        Create = "create",
        /// A version is added together with others.
        CreateInBatch = "create_in_batch",
        /// What became of a version is changed.
        Update = "update",
        /// A version is disabled.
        Disable = "disable",
        /// A version is enabled.
        Enable = "enable",
        /// Runs are counted.
        CountExecutions = "count_executions",
    }
}

labels! {
    /// How a write to the catalogue ended.
    WorkflowOutcome {
        /// It did what it was asked.
        Success = "success",
        /// What it asks for contradicts what there is.
        Conflict = "conflict",
        /// It is not valid, or about nothing there is.
        Refused = "refused",
        /// The store did not take it.
        Failure = "failure",
    }
}

labels! {
    /// What the repository's connections are for.
    Pool {
        /// Connections of the writers.
        Write = "write",
        /// Connections that store what comes seldom.
        Records = "records",
        /// Connections that answer queries.
        Read = "read",
        /// Connections that look after partitions and indexes.
        Maintenance = "maintenance",
    }
}

labels! {
    /// The background workers.
    Worker {
        /// Keeps monthly partitions ahead of time.
        Partitions = "partitions",
        /// Merges what inserts have left beside the indexes of the payloads.
        PendingLists = "pending_lists",
        /// Measures the backlogs.
        Backlogs = "backlogs",
        /// Closes idle and old connections and samples the pools.
        Pools = "pools",
        /// Drains the recorder's sample buffers.
        MetricsUpkeep = "metrics_upkeep",
    }
}

labels! {
    /// The backlogs in which events wait while the store is away.
    BacklogName {
        /// Redis Streams.
        Queue = "queue",
        /// The local spool.
        Spool = "spool",
        /// Redis Streams, for notifications.
        Notifications = "notifications",
    }
}

labels! {
    /// What a breaker guards.
    BreakerName {
        /// The store.
        Store = "store",
        /// The queue.
        Queue = "queue",
        /// The spool.
        Spool = "spool",
        /// The table of notifications.
        NotificationStore = "notification_store",
        /// The table of actions.
        ActionStore = "action_store",
        /// The queue of notifications.
        NotificationQueue = "notification_queue",
        /// The catalogue of workflows.
        WorkflowStore = "workflow_store",
    }
}

impl From<BacklogName> for BreakerName {
    fn from(name: BacklogName) -> Self {
        match name {
            BacklogName::Queue => Self::Queue,
            BacklogName::Spool => Self::Spool,
            BacklogName::Notifications => Self::NotificationQueue,
        }
    }
}

labels! {
    /// What became of an entry that was replayed.
    Replayed {
        /// It is stored.
        Stored = "stored",
        /// It is tried again later.
        Deferred = "deferred",
        /// It became a dead letter.
        Buried = "buried",
    }
}

labels! {
    /// Why a write was refused because of overload.
    Refusal {
        /// Too many writes are being answered.
        WritesInFlight = "writes_in_flight",
        /// Too many bytes of bodies are being read.
        BodyBytes = "body_bytes",
        /// It would have to wait for too long.
        QueueDelay = "queue_delay",
        /// The queue of the writers is full.
        QueueFull = "queue_full",
    }
}

labels! {
    /// Why the local spool did not take entries.
    SpoolRefusal {
        /// It holds as many entries as it may.
        Entries = "entries",
        /// It holds as many bytes as it may.
        Bytes = "bytes",
        /// Its oldest entry has waited for too long.
        Age = "age",
        /// The disk is full or fails.
        Disk = "disk",
    }
}

labels! {
    /// The streams of the queue.
    Stream {
        /// Audit events.
        Events = "events",
        /// Records of notifications.
        Notifications = "notifications",
    }
}

impl Stream {
    /// What its entries are.
    pub const fn entry(self) -> &'static str {
        match self {
            Self::Events => "audit_event",
            Self::Notifications => "notification_audit",
        }
    }
}
